//! What must not be expressible does not compile.

#[test]
fn unguarded_ways_to_tenant_data_do_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
