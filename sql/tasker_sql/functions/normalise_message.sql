-- An error's message without what differs from one time to the next: ids, quoted texts, paths, numbers. So that errors of
-- one cause have one text. The order matters: an id has numbers, a path may have an id. Internal.

create or replace function tasker.normalise_message(p_message text) returns text
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
    select regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(
        left(p_message, 2000),
        '[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}', '<uuid>', 'gi'),
        '"[^"\n]*"|(?<!\w)''[^''\n]*''(?!\w)|`[^`\n]*`', '<text>', 'g'),
        '([a-z][a-z0-9+.-]*:/|[a-z]:)?([/\\][^\s/\\:,;()<>]+){2,}[/\\]?', '<path>', 'gi'),
        '\m0x[0-9a-f]+|\m(?=\d*[a-f])(?=[a-f]*\d)[0-9a-f]{8,}\M', '<hex>', 'gi'),
        '\d+([.,:]\d+)*', '<n>', 'g'),
        '\s+', ' ', 'g')
$$;

comment on function tasker.normalise_message(text) is
    'Internal. An error''s message without what differs from one time to the next.';
