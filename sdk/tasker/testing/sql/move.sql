-- Moves the clock to the next moment at which something may become due, at most by `longest`. Returns how far it moved;
-- null, and it stays, when nothing lies ahead and no `longest` is given.

create function tasker_testing.move(longest interval default null) returns interval
language plpgsql volatile
as $$
declare
    v_by interval := least(longest, tasker_testing.next_stop() - tasker_testing.clock_timestamp());
begin
    update tasker_testing.clock c set moved = c.moved + greatest(v_by, '0') where v_by is not null;
    return greatest(v_by, '0');
end;
$$;
