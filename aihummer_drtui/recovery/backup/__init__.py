"""Backup sets: what one backup holds, making one, verifying one."""
