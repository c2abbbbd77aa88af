//! The tracker over HTTP, under every model.

use axum::body::{Body, to_bytes};
use freehold::tenant::Model;
use freehold_testing::{Deployment, Twins, under_every_model};
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;

/// An organisation, or with the host `localhost` the application itself, as its users reach it.
struct Site {
    router: Router,
    host: String,
}

impl Site {
    fn of(freehold: &Freehold, host: &str) -> Self {
        Self { router: router(freehold).unwrap(), host: host.to_owned() }
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.send("GET", path, Value::Null).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        body
    }

    async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        self.send("POST", path, body).await
    }

    async fn send(&self, method: &str, path: &str, body: Value) -> (StatusCode, Value) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", &self.host)
            .header("content-type", "application/json");
        let request = request.body(Body::from(body.to_string())).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    /// An owner with a spinner; returns the ids of both.
    async fn spinner(&self, owner: &str, name: &str) -> (Value, Value) {
        let (_, owner) = self.post("/owners", json!({"name": owner})).await;
        let (status, spinner) = self.post("/spinners", json!({"owner_id": owner, "name": name})).await;
        assert_eq!(status, StatusCode::CREATED, "{spinner}");
        (owner, spinner)
    }

    async fn spin(&self, spinner: &Value, milliseconds: i64) -> StatusCode {
        let path = format!("/spinners/{}/spins", spinner.as_str().unwrap());
        self.post(&path, json!({"milliseconds": milliseconds})).await.0
    }
}

fn sites(twins: &Twins) -> (Site, Site) {
    let freehold = &twins.deployment.freehold;
    (Site::of(freehold, "anna.localhost"), Site::of(freehold, "bert.localhost"))
}

under_every_model! {
    "migrations";

    async fn spinners_are_ordered_by_their_average(twins: Twins) {
        let (anna, _) = sites(&twins);
        let (_, steel) = anna.spinner("Anna", "steel").await;
        let (_, brass) = anna.spinner("Abel", "brass").await;
        anna.spinner("Ada", "new").await;
        for (spinner, milliseconds) in [(&steel, 1_000), (&steel, 2_000), (&brass, 4_000)] {
            assert_eq!(anna.spin(spinner, milliseconds).await, StatusCode::CREATED);
        }
        let mut spinners = anna.get("/spinners").await;
        for spinner in spinners.as_array_mut().unwrap() {
            spinner.as_object_mut().unwrap().remove("id");
        }
        let expected = json!([
            {"name": "brass", "owner": "Abel", "spins": 1, "average_milliseconds": 4_000.0},
            {"name": "steel", "owner": "Anna", "spins": 2, "average_milliseconds": 1_500.0},
            {"name": "new", "owner": "Ada", "spins": 0, "average_milliseconds": null},
        ]);
        assert_eq!(spinners, expected);
    }

    async fn an_average_is_of_one_organisation(twins: Twins) {
        let (anna, bert) = sites(&twins);
        for (site, milliseconds) in [(&anna, 1_000), (&bert, 9_000)] {
            // The same name in both is no conflict.
            let (_, spinner) = site.spinner("Kim", "steel").await;
            site.spin(&spinner, milliseconds).await;
        }
        assert_eq!(anna.get("/average").await, 1_000.0);
        assert_eq!(bert.get("/average").await, 9_000.0);
    }

    async fn ids_of_another_organisation_lead_nowhere(twins: Twins) {
        let (anna, bert) = sites(&twins);
        let (owner, spinner) = anna.spinner("Anna", "steel").await;
        assert_eq!(bert.spin(&spinner, 1_000).await, StatusCode::NOT_FOUND);
        let mine = json!({"owner_id": owner, "name": "mine"});
        let (status, problem) = bert.post("/spinners", mine).await;
        assert_eq!((status, &problem["code"]), (StatusCode::CONFLICT, &json!("constraint")));
        assert_eq!(bert.get("/spinners").await, json!([]));
        assert_eq!(anna.get("/average").await, Value::Null);
    }

    async fn what_the_table_refuses_is_the_callers_to_mend(twins: Twins) {
        let (anna, _) = sites(&twins);
        let (_, spinner) = anna.spinner("Anna", "steel").await;
        assert_eq!(anna.spin(&spinner, 0).await, StatusCode::UNPROCESSABLE_ENTITY);
        for (name, expected) in [("Anna", StatusCode::CONFLICT), ("a\0b", StatusCode::UNPROCESSABLE_ENTITY)] {
            let (status, _) = anna.post("/owners", json!({"name": name})).await;
            assert_eq!(status, expected, "{name:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organisation_signs_up_and_is_served_under_every_model() {
    let mut deployment = Deployment::start(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations")).await;
    deployment.start_worker();
    let base = Site::of(&deployment.freehold, "localhost");
    for model in Model::ALL {
        let slug = format!("{model}-ltd");
        let form = |name: &str, request: Uuid| json!({"slug": slug, "name": name, "model": model, "request": request});
        let request = Uuid::new_v4();
        let (status, problem) = base.post("/organisations", form("a\0b", request)).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
        for _ in 0..2 {
            let (status, problem) = base.post("/organisations", form("Spinning", request)).await;
            assert_eq!(status, StatusCode::CREATED, "{problem}");
        }
        let (status, problem) = base.post("/organisations", form("Spinning", Uuid::new_v4())).await;
        assert_eq!((status, &problem["code"]), (StatusCode::CONFLICT, &json!("slug_taken")));
        let site = Site::of(&deployment.freehold, &format!("{slug}.localhost"));
        assert_eq!(site.get("/spinners").await, json!([]));
    }
    let reserved = json!({"slug": "www", "name": "Spinning", "model": "shared", "request": Uuid::new_v4()});
    let (status, _) = base.post("/organisations", reserved).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
}
