"""What AiHummer needs back, one file per thing: its checks and its actions."""
