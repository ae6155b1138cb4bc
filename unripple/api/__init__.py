"""Photos through the stages: the table of steps, walked by shard jobs and by live sessions."""
