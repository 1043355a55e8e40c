"""What takes longer than a chapter may, or needs another package beside ours: see README.md."""
