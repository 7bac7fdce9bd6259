-- Puts the engine on the test's clock: every function of it looks into tasker_testing before pg_catalog, and columns that
-- are filled with the time are filled with that clock's. Not a letter of the functions themselves is changed.

do $$
declare
    v_function regprocedure;
    v_column record;
begin
    for v_function in
        select p.oid from pg_proc p where p.pronamespace = 'tasker'::regnamespace and p.prokind = 'f'
            and exists (select from unnest(p.proconfig) as c(setting) where c.setting like 'search\_path=%')
    loop
        execute format('alter function %s set search_path = tasker_testing, pg_catalog, tasker, pg_temp', v_function);
    end loop;
    for v_column in
        select d.adrelid::regclass as of_table, a.attname, pg_get_expr(d.adbin, d.adrelid) as expression
        from pg_attrdef d
        join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
        join pg_class c on c.oid = d.adrelid
        where c.relnamespace = 'tasker'::regnamespace
            and pg_get_expr(d.adbin, d.adrelid) in ('now()', 'clock_timestamp()')
    loop
        execute format('alter table %s alter %I set default tasker_testing.%s', v_column.of_table, v_column.attname,
            v_column.expression);
    end loop;
end
$$;
