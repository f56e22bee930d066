"""The blobs: checked, restored beside and exchanged, held against what the database refers to."""
