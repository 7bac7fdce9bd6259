-- Why a text is no overlap policy, as a sentence, or null. No policy at all is no fault. Internal. Reads nothing.

create or replace function tasker.find_overlap_fault(p_overlap text) returns text
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
    select case when p_overlap not in
        ('skip', 'buffer_one', 'buffer_all', 'cancel_other', 'terminate_other', 'allow_all')
        then format('no overlap policy %L: they are skip, buffer_one, buffer_all, cancel_other, terminate_other, allow_all',
            p_overlap)
    end
$$;

comment on function tasker.find_overlap_fault(text) is
    'Internal. Why a text is no overlap policy, or null.';
