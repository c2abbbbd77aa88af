use freehold::tenant::Model;
use serde_json::json;

use crate::client::PASSWORD;
use crate::support::{Site, owner, sign_up};

#[tokio::test]
async fn a_sign_up_makes_an_organisation_whose_owner_can_log_in() {
    let site = Site::start().await;
    for model in Model::ALL {
        let slug = format!("acme-{model}");
        let answer = site.base().post("/api/signup", sign_up(&slug, model)).await.expect(201).json();
        let tenant = &answer["tenant"];
        assert_eq!(tenant["slug"], slug);
        assert_eq!(tenant["model"], model.as_str());
        assert_eq!(tenant["url"], format!("http://{slug}.localhost:{}", site.address.port()));
        let known = site.deployment.freehold.directory().find(&slug.parse().unwrap()).unwrap();
        assert_eq!(tenant["id"], known.id().to_string());
        let owner = site.host(&slug).log_in(&owner(&slug)).await;
        assert_eq!(owner.get("/api/expenses").await.expect(200).json(), json!({"items": [], "next": null}));
    }
}

#[tokio::test]
async fn the_model_is_shared_unless_the_sign_up_names_another() {
    let site = Site::start().await;
    let mut form = sign_up("acme", Model::Shared);
    form.as_object_mut().unwrap().remove("model");
    assert_eq!(site.base().post("/api/signup", form).await.expect(201).json()["tenant"]["model"], "shared");
}

#[tokio::test]
async fn a_sign_up_that_is_repeated_answers_the_same_and_to_nobody_else() {
    let site = Site::start().await;
    let form = sign_up("acme", Model::Schema);
    let first = site.base().post("/api/signup", form.clone()).await.expect(201).json();
    assert_eq!(site.base().post("/api/signup", form.clone()).await.expect(201).json(), first);
    for (field, value) in [("email", "eve@example.com"), ("password", "battery staple")] {
        let mut other = form.clone();
        other[field] = value.into();
        site.base().post("/api/signup", other).await.refused(409, "slug_taken", "acme");
    }
    let mut upper_case = form;
    upper_case["slug"] = "ACME".into();
    upper_case["email"] = "eve@example.com".into();
    site.base().post("/api/signup", upper_case).await.refused(409, "slug_taken", "acme");
}

#[tokio::test]
async fn a_sign_up_is_not_repeated_with_a_password_that_was_changed_since() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    let fields = [("old", PASSWORD), ("new", "a better one")];
    assert_eq!(ann.submit("/account/password", &fields).await.leads(), "/account");
    // Who knows only the old one would be led in by a ticket.
    site.base().post("/api/signup", sign_up("acme", Model::Shared)).await.refused(409, "slug_taken", "acme");
    let email = owner("acme");
    let fields = [
        ("organisation", "acme Ltd"),
        ("slug", "acme"),
        ("email", &email),
        ("password", PASSWORD),
        ("model", "shared"),
    ];
    site.base().submit("/signup", &fields).await.shows(422, "This address is taken");
}

#[tokio::test]
async fn a_sign_up_that_was_cut_off_before_it_wrote_the_owner_is_completed_by_who_began_it_alone() {
    Site::under_each_model(async |twins| {
        // As if the application had been killed between the tenant and its first write.
        let slug = twins.a.host.split('.').next().unwrap().to_owned();
        let tenant = twins.site.deployment.freehold.directory().find(&slug.parse().unwrap()).unwrap();
        let mut scope = twins.site.deployment.freehold.tenant_db::<freehold::isolation::Sqlx>(&tenant).write();
        for statement in ["delete from people", "delete from organisation"] {
            sqlx::query(statement).execute(&mut scope).await.unwrap();
        }
        scope.commit().await.unwrap();

        let form = sign_up(&slug, tenant.model().unwrap());
        let mut stranger = form.clone();
        stranger["password"] = "battery staple".into();
        twins.site.base().post("/api/signup", stranger).await.refused(409, "slug_taken", &slug);

        let answer = twins.site.base().post("/api/signup", form).await.expect(201).json();
        assert_eq!(answer["tenant"]["id"], tenant.id().to_string());
        twins.a.log_in(&owner(&slug)).await.get("/api/expenses").await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn sign_ups_at_the_same_time_make_one_organisation_with_one_owner() {
    let site = Site::start().await;
    let form = sign_up("acme", Model::Shared);
    let requests: Vec<_> = (0..6)
        .map(|_| {
            let (base, form) = (site.base(), form.clone());
            tokio::spawn(async move { base.post("/api/signup", form).await.expect(201).json() })
        })
        .collect();
    let mut answers = Vec::new();
    for request in requests {
        answers.push(request.await.unwrap());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1);
    site.host("acme").log_in(&owner("acme")).await;
}

#[tokio::test]
async fn what_a_sign_up_cannot_have_is_named() {
    let site = Site::start().await;
    for (field, value, words) in [
        ("slug", json!(""), "use 1 to 63"),
        ("slug", json!("a".repeat(64)), "64 characters"),
        ("slug", json!("acme inc"), "' '"),
        ("slug", json!("-acme"), "hyphen"),
        ("slug", json!("acme.evil"), "'.'"),
        ("slug", json!("www"), "reserved"),
        ("slug", json!("Admin"), "reserved"),
        ("slug", json!("bücher"), "'ü'"),
        ("slug", json!(null), "slug"),
        ("email", json!("ann"), "e-mail"),
        ("email", json!(7), "email"),
        ("password", json!("1234567"), "8 to 200"),
        ("password", json!("x".repeat(201)), "8 to 200"),
        ("organisation", json!(" \u{a0} "), "organisation"),
        ("organisation", json!("x".repeat(201)), "organisation"),
        ("organisation", json!("a\0b"), "NUL"),
        ("model", json!("silo"), "silo"),
    ] {
        let mut form = sign_up("acme", Model::Shared);
        form[field] = value;
        site.base().post("/api/signup", form).await.refused(422, "invalid", words);
    }
    for field in ["organisation", "slug", "email", "password"] {
        let mut form = sign_up("acme", Model::Shared);
        form.as_object_mut().unwrap().remove(field);
        site.base().post("/api/signup", form).await.refused(422, "invalid", field);
    }
    assert!(site.deployment.freehold.directory().find(&"acme".parse().unwrap()).is_none());
}

#[tokio::test]
async fn passwords_are_stored_hashed_and_the_catalog_does_not_hold_them_at_all() {
    let site = Site::start().await;
    site.organisation("acme", Model::Schema).await;
    let catalog = freehold_testing::connect("postgres", site.deployment.catalog_database()).await;
    let operations = catalog.query("select o::text from catalog.operations o", &[]).await.unwrap();
    assert_eq!(operations.len(), 1);
    let written: String = operations[0].get(0);
    assert!(!written.contains(PASSWORD), "{written}");
    let tenant = site.deployment.freehold.directory().find(&"acme".parse().unwrap()).unwrap();
    let mut scope = site.deployment.freehold.tenant_db::<freehold::isolation::Sqlx>(&tenant).read();
    let hash: String = sqlx::query_scalar("select password_hash from people").fetch_one(&mut scope).await.unwrap();
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
}
