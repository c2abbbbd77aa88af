use bytes::Bytes;
use freehold::tenant::Model;
use http::Method;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http_body_util::Full;
use image::{DynamicImage, ImageFormat};
use serde_json::json;

use crate::client::{Answer, Client};
use crate::support::Site;

pub(crate) fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let mut file = std::io::Cursor::new(Vec::new());
    DynamicImage::new_rgb8(width, height).write_to(&mut file, format).unwrap();
    file.into_inner()
}

pub(crate) async fn send_logo(client: &Client, name: &str, file: &[u8]) -> Answer {
    let mut body = format!(
        "--x\r\ncontent-disposition: form-data; name=\"logo\"; filename=\"{name}\"\r\ncontent-type: image/png\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(file);
    body.extend_from_slice(b"\r\n--x--\r\n");
    let request = client.browsing(Method::POST, "/settings/logo");
    let request = request.header(CONTENT_TYPE, "multipart/form-data; boundary=x");
    client.send(request.body(Full::<Bytes>::from(body)).unwrap()).await
}

/// What is between two texts.
fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    text.split(before).nth(1).unwrap_or_else(|| panic!("{before:?} is not in {text}")).split(after).next().unwrap()
}

#[tokio::test]
async fn owners_alone_see_and_change_the_settings() {
    Site::under_each_model(async |twins| {
        let approver = twins.a.with_member("abe@example.com", "approver").await;
        let member = twins.a.with_member("mia@example.com", "member").await;
        twins.a.page("/").await.shows(200, "href=\"/settings\"");
        for person in [&approver, &member] {
            assert!(!person.page("/").await.text().contains("href=\"/settings\""));
            person.page("/settings").await.shows(403, "owners change the settings");
            person.page("/settings/colour?colour=red").await.shows(403, "owners change the settings");
            person.submit("/settings", &[("name", "Ours")]).await.shows(403, "owners change the settings");
            person.submit("/settings/colour", &[("colour", "#123456")]).await.shows(403, "owners");
            person.submit("/settings/logo/remove", &[]).await.shows(403, "owners");
            send_logo(person, "logo.png", &picture(4, 4, ImageFormat::Png)).await.shows(403, "owners");
        }
        let mut eve = twins.b.nobody();
        eve.cookie = twins.a.cookie.clone();
        assert!(eve.page("/settings").await.leads().starts_with("/login"));
        assert!(eve.submit("/settings", &[("name", "Ours")]).await.leads().starts_with("/login"));
        let answer = send_logo(&eve, "logo.png", &picture(4, 4, ImageFormat::Png)).await;
        assert!(answer.leads().starts_with("/login"));

        assert_eq!(
            twins.a.submit("/settings", &[("name", "Önly <i> 🎈"), ("currency", "EUR")]).await.leads(),
            "/settings"
        );
        let page = twins.a.page("/settings").await.shows(200, "Önly &#60;i&#62; 🎈");
        assert!(page.contains("<option selected>EUR</option>"));
        twins.a.nobody().page("/login").await.shows(200, "Önly &#60;i&#62; 🎈");
        let other = twins.b.page("/settings").await.shows(200, "<option selected>GBP</option>");
        assert!(!other.contains("Önly"));
    })
    .await;
}

#[tokio::test]
async fn a_name_or_currency_that_cannot_be_is_told_at_its_field() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    for (name, currency, words) in [
        ("", "GBP", "Use 1 to 200 characters"),
        (" \u{a0} ", "GBP", "Use 1 to 200 characters"),
        (&"x".repeat(201), "GBP", "Use 1 to 200 characters"),
        ("two\nlines", "GBP", "line breaks"),
        ("\u{202e}moc.elpmaxe", "GBP", "line breaks"),
        ("Acme", "pounds", "three letters"),
        ("Acme", "", "three letters"),
        ("Acme", "JPY", "no hundredths"),
    ] {
        ann.submit("/settings", &[("name", name), ("currency", currency)]).await.shows(422, words);
    }
    ann.submit("/settings", &[("name", "a\0b"), ("currency", "GBP")]).await.shows(422, "NUL");
    let longest = "é".repeat(200);
    assert_eq!(ann.submit("/settings", &[("name", &longest), ("currency", "GBP")]).await.leads(), "/settings");
    ann.page("/settings").await.shows(200, &longest);
}

#[tokio::test]
async fn a_currency_stays_once_there_is_an_expense() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Schema).await;
    assert_eq!(ann.submit("/settings", &[("name", "Acme"), ("currency", "CHF")]).await.leads(), "/settings");
    let id = ann.add(json!({"date": "2026-01-31", "amount": "1234.50"})).await;
    ann.page(&format!("/expenses/{id}")).await.shows(200, "CHF 1,234.50");
    ann.submit("/settings", &[("name", "Acme"), ("currency", "EUR")]).await.shows(422, "stays as it is");
    assert!(!ann.page("/settings").await.shows(200, "it stays").contains("<select"));
    // The page sends no currency then.
    assert_eq!(ann.submit("/settings", &[("name", "Acme & Co")]).await.leads(), "/settings");
}

#[tokio::test]
async fn a_colour_is_looked_at_saved_refused_and_taken_back() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    assert!(!ann.page("/").await.text().contains("/brand/"));
    let look = ann.page("/settings/colour?colour=%23ffcc00&picked=%231f6f5c&shown=").await;
    look.shows(200, "a button in #ffcc00");
    assert_eq!(
        ann.submit("/settings/colour", &[("colour", "FFCC00"), ("picked", "#1f6f5c"), ("shown", "")]).await.leads(),
        "/settings"
    );
    ann.page("/").await.shows(200, "/brand/ffcc00.css");
    ann.nobody().page("/login").await.shows(200, "/brand/ffcc00.css");
    let sheet = ann.nobody().get("/brand/ffcc00.css").await;
    assert_eq!((sheet.status, &sheet.headers[CONTENT_TYPE]), (200, &"text/css; charset=utf-8".parse().unwrap()));
    assert!(sheet.headers[CACHE_CONTROL].to_str().unwrap().contains("immutable"));
    assert!(sheet.text().contains("--button:#ffcc00;") && sheet.text().contains("--on-accent:#000000"));

    let picked = [("colour", "#ffcc00"), ("picked", "#003366"), ("shown", "#ffcc00")];
    assert_eq!(ann.submit("/settings/colour", &picked).await.leads(), "/settings");
    ann.page("/").await.shows(200, "/brand/003366.css");

    for (colour, words) in [
        ("#ffffff", "cannot be told from the page"),
        ("blue", "Not a colour"),
        ("#12345", "Not a colour"),
        ("</style><script>", "Not a colour"),
        (&"f".repeat(9_000), "Not a colour"),
    ] {
        let page = ann.submit("/settings/colour", &[("colour", colour), ("shown", "#003366")]).await.shows(422, words);
        assert!(!page.contains("<script>"));
    }
    let refused = ann.submit("/settings/colour", &[("colour", "#ffff00")]).await.text();
    let nearest = between(&refused, "the nearest colour that can is ", "<");
    assert_eq!(ann.submit("/settings/colour", &[("colour", nearest)]).await.leads(), "/settings");
    assert_eq!(ann.submit("/settings/colour", &[("colour", ""), ("shown", nearest)]).await.leads(), "/settings");
    assert!(!ann.page("/").await.text().contains("/brand/"));
    for path in [
        "/brand/003366",
        "/brand/00336.css",
        "/brand/xxxxxx.css",
        "/brand/%23003366.css",
        "/brand/.css",
        "/brand/%ff.css",
        "/logo/%ff.png",
    ] {
        ann.get(path).await.refused(404, "not_found", "nothing");
    }
}

#[tokio::test]
async fn a_logo_is_a_png_of_its_own_organisation_at_an_address_that_changes_with_it() {
    Site::under_each_model(async |twins| {
        let (ann, bert) = (&twins.a, &twins.b);
        assert_eq!(send_logo(ann, "logo.jpg", &picture(600, 300, ImageFormat::Jpeg)).await.leads(), "/settings");
        let page = ann.page("/settings").await.shows(200, "Remove the logo");
        let path = format!("/logo/{}", between(&page, "src=\"/logo/", "\""));
        ann.nobody().page("/login").await.shows(200, &path);
        let logo = ann.nobody().get(&path).await;
        assert_eq!((logo.status, &logo.headers[CONTENT_TYPE]), (200, &"image/png".parse().unwrap()));
        assert_eq!(logo.headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert!(logo.headers[CACHE_CONTROL].to_str().unwrap().contains("immutable"));
        let image = image::load_from_memory_with_format(&logo.body, ImageFormat::Png).unwrap();
        assert_eq!((image.width(), image.height()), (256, 128));
        bert.get(&path).await.refused(404, "not_found", "nothing");
        assert!(!bert.page("/settings").await.text().contains("/logo/"));

        assert_eq!(send_logo(ann, "logo.png", &picture(10, 10, ImageFormat::Png)).await.leads(), "/settings");
        assert!(!ann.page("/").await.shows(200, "/logo/").contains(&path));
        ann.get(&path).await.refused(404, "not_found", "nothing");
        for _ in 0..2 {
            assert_eq!(ann.submit("/settings/logo/remove", &[]).await.leads(), "/settings");
        }
        assert!(!ann.page("/").await.text().contains("/logo/"));
    })
    .await;
}

#[tokio::test]
async fn what_is_no_logo_is_refused_in_words_and_the_browser_gets_to_read_them() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
    for (name, file, words) in [
        ("logo.svg", svg.to_vec(), "An SVG can hold scripts"),
        ("renamed.png", b"just a text".to_vec(), "no PNG, JPEG or WebP"),
        ("empty.png", Vec::new(), "Choose a file first"),
        ("", Vec::new(), "Choose a file first"),
        ("broken.png", picture(64, 64, ImageFormat::Png)[..50].to_vec(), "broken"),
        ("wide.png", picture(4097, 1, ImageFormat::Png), "4096 pixels"),
        ("large.png", vec![0x89; 1024 * 1024 + 1], "larger than 1 MB"),
        ("huge.png", vec![0; 50 * 1024 * 1024], "larger than 1 MB"),
    ] {
        send_logo(&ann, name, &file).await.shows(422, words);
    }
    let request = ann.browsing(Method::POST, "/settings/logo").header(CONTENT_TYPE, "image/png");
    ann.send(request.body(Full::<Bytes>::from("x")).unwrap()).await.shows(422, "no form");
    // The rest of what an owner may not send is read as well.
    let mia = ann.with_member("mia@example.com", "member").await;
    send_logo(&mia, "huge.png", &vec![0; 20 * 1024 * 1024]).await.shows(403, "owners change the settings");
    assert!(!ann.page("/settings").await.text().contains("Remove the logo"));
}

#[tokio::test]
async fn settings_wait_for_no_import() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    let tenant = site.deployment.freehold.directory().find(&"acme".parse().unwrap()).unwrap();
    let mut import = site.deployment.freehold.tenant_db::<freehold::isolation::Sqlx>(&tenant).write();
    let lock = "select from organisation for no key update";
    sqlx::query(lock).fetch_one(&mut import).await.unwrap();
    let fields = [("name", "Acme"), ("currency", "EUR")];
    ann.submit("/settings", &fields).await.shows(422, "A file is being imported");
    ann.submit("/settings/colour", &[("colour", "#003366")]).await.shows(422, "A file is being imported");
    // An expense is added all the same.
    ann.add(json!({"date": "2026-01-31", "amount": "1.00"})).await;
    drop(import);
    ann.submit("/settings", &fields).await.shows(422, "stays as it is");
}

#[tokio::test]
async fn a_currency_is_not_changed_while_somebody_adds_an_expense() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    let tenant = site.deployment.freehold.directory().find(&"acme".parse().unwrap()).unwrap();
    let mut adding = site.deployment.freehold.tenant_db::<freehold::isolation::Sqlx>(&tenant).write();
    sqlx::query("select from organisation for key share").fetch_one(&mut adding).await.unwrap();
    ann.submit("/settings", &[("name", "Acme"), ("currency", "EUR")]).await.shows(422, "save again");
    // What is no key is changed.
    assert_eq!(ann.submit("/settings", &[("name", "Acme & Co"), ("currency", "GBP")]).await.leads(), "/settings");
    drop(adding);
}
