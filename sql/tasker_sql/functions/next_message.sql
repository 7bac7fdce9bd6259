-- The id of a step's next message: the next number of its queue's sequence, in the range of its class of priority (null:
-- normal). 2^50 numbers for each class keep all of them exact also where JSON's numbers are floating-point. Internal.
-- Without a fixed search_path, so that it is inlined: it runs once per message.

create or replace function tasker.next_message(p_sequence regclass, p_priority smallint) returns bigint
language sql volatile
as $$
    select nextval(p_sequence) - coalesce(p_priority, 0) * 1125899906842624
$$;

comment on function tasker.next_message(regclass, smallint) is
    'Internal. The id of a step''s next message, in the range of its class of priority.';
