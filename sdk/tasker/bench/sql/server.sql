-- The settings that decide how fast a server commits.
select current_setting('server_version'), current_setting('fsync'), current_setting('synchronous_commit'),
    current_setting('shared_buffers'), current_setting('max_wal_size')
