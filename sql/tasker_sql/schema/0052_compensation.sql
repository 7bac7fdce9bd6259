-- What undoes a step of a template: a step definition of kind compensation. The higher `rank`, the longest way to the step
-- from the template's beginning, the sooner: whatever came later is undone first. `started`: it undoes also what was
-- started and did not complete. `takes` are other definitions whose results its handler is given.

create table tasker.compensation (
    definition_id integer primary key references tasker.step_definition on delete cascade,
    undoes_id     integer not null unique references tasker.step_definition on delete cascade,
    rank          integer not null,
    started       boolean not null,
    takes         integer[] not null
);
