create table currencies (code text primary key, minor_units integer not null);
insert into currencies values ('EUR', 2), ('GBP', 2), ('JPY', 0);
select freehold.global_table('currencies');
