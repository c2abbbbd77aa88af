//! A tenant's database comes from a resolved tenant, a scope from a tenant's database.
use freehold::isolation::{Pool, Read, Scope, Sqlx, TenantDb};

fn main() {
    let _db = TenantDb::<Sqlx>::default();
    let _db = TenantDb::<Sqlx>::new(todo!(), todo!());
    let _scope = Scope::<Sqlx, Read>::new(todo!());
}
