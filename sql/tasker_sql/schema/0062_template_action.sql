-- What operators did to templates, and why.

create table tasker.template_action (
    action_id   bigint generated always as identity primary key,
    template_id integer not null references tasker.template on delete cascade,
    verb        text not null,
    reason      text not null,
    actor       text not null,
    at          timestamptz not null default now()
);

create index template_action_template on tasker.template_action (template_id, action_id);
