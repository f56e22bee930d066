"""Whether the media token secret works: a URL that was signed before the loss is served after it."""

from typing import Final

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.backup.sealed import sealed_manifest
from aihummer_drtui.recovery.blobs.place import refuse_lost_setting
from aihummer_drtui.recovery.check import Check, Scene
from aihummer_drtui.recovery.gateway.environment import BLOB_DIR, GatewayEnv, read_gateway_env
from aihummer_drtui.recovery.gateway.probes import ask_gateway
from aihummer_drtui.run.verdict import CheckDescription, Observation, Verdict


def look_at_media_token(scene: Scene) -> Observation:
    """Ask the gateway for the media URL that was signed before the loss.

    Raises PreconditionError when gateway.env cannot be read.
    """
    expected = "a media URL signed before the loss is served"
    env = read_gateway_env(scene.target.gateway_env)
    if env.exists and env.blob_folder is None:
        return _inactive(scene, env, expected)
    path = scene.target.media.signed_path
    if not path:
        return Observation(
            verdict=Verdict.UNPROVEN,
            expected=expected,
            observed="no such URL is known here",
            hint="open an old media link by hand; or keep one as signed-path in [media] of target.toml",
        )
    answer = ask_gateway(scene.target, path, text=False)
    # The URL itself carries a signature and is not shown.
    if answer.is_ok and answer.size:
        return Observation(
            verdict=Verdict.PASSED, expected=expected, observed=f"200, {answer.size} bytes or more"
        )
    refused = answer.status in {401, 403}
    return Observation(
        verdict=Verdict.UNKNOWN if answer.timed_out else Verdict.FAILED,
        expected=expected,
        observed="200 with an empty body" if answer.is_ok else answer.in_words,
        hint="another AIHUMMER_MEDIA_TOKEN_SECRET than before the loss; or the URL had an expiry"
        if refused
        else "is the gateway up, and is the blob there (check blobs-referenced)?",
    )


def _inactive(scene: Scene, env: GatewayEnv, expected: str) -> Observation:
    try:
        refuse_lost_setting(env.path, sealed_manifest(scene))
    except PreconditionError as error:
        return Observation(
            verdict=Verdict.FAILED, expected=expected, observed=cleaned_line(error.what), hint=error.hint
        )
    return Observation(
        verdict=Verdict.PASSED,
        expected=expected,
        observed=f"media service inactive ({BLOB_DIR} is not set): there are no media URLs",
    )


CHECKS: Final = (
    Check(
        description=CheckDescription(
            name="media-token",
            title="Old media URLs work",
            proves="the media token secret is the one from before the loss, and blobs are served",
            interval=15.0,
        ),
        look=look_at_media_token,
    ),
)
