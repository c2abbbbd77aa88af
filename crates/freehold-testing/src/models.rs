/// Writes one test body under every isolation model: `name::shared`, `name::schema` and `name::database`.
///
/// The first line names the directory of migrations, below the crate's own. The body gets [`Twins`](crate::Twins).
#[macro_export]
macro_rules! under_every_model {
    ($migrations:literal; $($(#[$doc:meta])* async fn $name:ident($twins:ident: $kind:ty) $body:block)+) => {$(
        $(#[$doc])*
        mod $name {
            #[allow(unused_imports, reason = "a body need not use everything its file imports")]
            use super::*;

            async fn body($twins: $kind) $body

            async fn run(model: ::freehold::tenant::Model) {
                let migrations = ::std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join($migrations);
                body($crate::Twins::start(migrations, model).await).await;
            }

            $crate::under_every_model!(@test shared Shared);
            $crate::under_every_model!(@test schema Schema);
            $crate::under_every_model!(@test database Database);
        }
    )+};
    (@test $name:ident $model:ident) => {
        #[test]
        fn $name() {
            let runtime = $crate::tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
            runtime.expect("a runtime starts").block_on(run(::freehold::tenant::Model::$model));
        }
    };
}
