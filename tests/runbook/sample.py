"""A small runbook without a problem, to be spoilt in one place by each test."""

from typing import Final

CHECKS: Final = frozenset({"backup-set", "healthz", "readyz", "blobs-referenced"})

GOOD: Final = """+++
id = "small"
title = "A small one"
version = "1"
owner = "Team"
reviewed = 2026-03-14
rto = "2h"
rpo = "1d"

[levels]
up = ["work/healthz"]
serving = ["work/readyz"]
proven = ["work/readyz", "look/confirm-1"]
+++

# A small one

Before the first step.

## 1. Look {#look}

**Why.** To know.

**Expect.** One
set.

**Time.** 5 minutes.

**Undo.** Nothing is changed.

**Call.** The team.

More prose, with a list:

- apples
- pears

Then:

- [ ] `input:BACKUP_SET` Folder of the set.
- [ ] The users know,
  all of them.

## 2. Work {#work}

```toml
needs = ["look"]
estimate = "1h"
```

**Why.** It is broken.
**Expect.** It is whole.
**Time.** An hour.
**Undo.** Rename it back.
**Call.** The team.

- [ ] `command:swap` Swap them.

  ```sh
  swap --from "$BACKUP_SET" \\
    --confirm "$DRTUI_CONFIRM"
  ```

  ```toml
  time-out = "1h"
  estimate = "30m"
  expect = "Swapped."
  destructive = true
  destroys = "The old one."
  undo = "Swap again."
  probe = "test -e \\"$BACKUP_SET\\""
  ```

- [ ] `check:healthz` It answers.
- [ ] `check:readyz` It is ready.
"""
