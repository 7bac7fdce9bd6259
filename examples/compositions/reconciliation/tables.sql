-- Where bank and ledger differ, in the database that Tasker lives in. An amount that a side lacks is null.
create table differences (
    day date not null,
    invoice text not null,
    bank_cents bigint,
    ledger_cents bigint,
    difference_cents bigint not null,
    primary key (day, invoice)
);
