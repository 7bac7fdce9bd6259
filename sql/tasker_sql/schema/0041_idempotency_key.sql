-- Which task a client's key stands for, within one template name. The row goes when its task is pruned.

create table tasker.idempotency_key (
    namespace_id  integer not null,
    template_name text not null,
    key           text not null check (length(key) between 1 and 512),
    task_id       uuid not null,
    primary key (namespace_id, template_name, key)
);

-- For the pruner.
create index idempotency_key_task on tasker.idempotency_key (task_id);
