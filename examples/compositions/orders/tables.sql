-- The shop's own tables, in the database that Tasker lives in.
create table product (sku text primary key);
insert into product values ('mug'), ('lamp');  -- the desk is forgotten, on purpose

create table reservations (
    order_id text not null,
    sku text not null constraint known_product references product,
    quantity int not null check (quantity > 0),
    primary key (order_id, sku)
);

create table orders (
    order_id text primary key,
    customer text not null,
    cents bigint not null,
    accepted_by text,
    entered_at timestamptz not null default now()
);
