//! Tenants come from the directory alone.
use freehold::tenant::Tenant;

fn main() {
    let _tenant = Tenant { id: todo!(), slug: todo!(), name: todo!(), status: todo!(), placement: todo!(), plan: todo!() };
}
