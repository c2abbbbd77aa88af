//! What must not be expressible does not compile. `TRYBUILD=overwrite` writes down what the compiler says of it now.

#[test]
fn unguarded_ways_to_tenant_data_do_not_compile() {
    trybuild::TestCases::new().compile_fail("cases/*.rs");
}
