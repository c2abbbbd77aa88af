use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::*;
use crate::resolve::ApiKeys;
use crate::resolve::jwt::{JwtError, KeyError};
use crate::tenant::TenantId;

fn encoded(part: &Value) -> String {
    URL_SAFE_NO_PAD.encode(part.to_string())
}

/// A token with any header, signed by HMAC with any secret.
fn by_hand(header: &Value, claims: &Value, secret: &[u8]) -> String {
    let signed = format!("{}.{}", encoded(header), encoded(claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
    mac.update(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

#[test]
fn a_token_of_every_algorithm_names_its_tenant() {
    for signer in Signer::every_kind() {
        let token = signer.sign(&claims(json!({})));
        assert_eq!(resolve(&knowing(signer.public.clone()), &token), Ok(named("acme")), "{:?}", signer.algorithm);
    }
}

#[test]
fn a_published_key_verifies_as_the_same_key_in_pem_does() {
    for signer in Signer::every_kind().into_iter().skip(1) {
        let published = Key::published(&serde_json::from_value(signer.jwk()).unwrap()).unwrap();
        let token = signer.sign(&claims(json!({})));
        assert_eq!(resolve(&knowing(published), &token), Ok(named("acme")), "{:?}", signer.algorithm);
    }
}

#[test]
fn a_tenant_is_named_by_slug_or_by_id_as_configured_and_not_as_it_looks() {
    let id = TenantId::generate();
    let signer = Signer::hs256();
    let by_id = Jwt::new(
        AUDIENCE,
        TenantClaim::Id("https://shelf.example/tenant".into()),
        [Issuer::new(ISSUER, signer.public.clone())],
    )
    .unwrap();
    let token = |value: Value| signer.sign(&claims(json!({"https://shelf.example/tenant": value})));
    assert_eq!(resolve(&by_id, &token(json!(id.to_string()))), Ok(TenantName::Id(id)));
    for value in [json!("acme"), json!(""), json!(null), json!(1), json!([id.to_string()]), json!({"acme": {}})] {
        assert_eq!(refusal(&by_id, &token(value)), InvalidToken::NoTenant);
    }
    assert_eq!(refusal(&by_id, &signer.sign(&claims(json!({})))), InvalidToken::NoTenant);
    let by_slug = knowing(signer.public.clone());
    for value in [json!("a b"), json!("www"), json!(["acme"]), json!(null)] {
        assert_eq!(refusal(&by_slug, &signer.sign(&claims(json!({"tenant": value})))), InvalidToken::NoTenant);
    }
}

#[test]
fn no_algorithm_is_no_algorithm() {
    let jwt = knowing(Signer::every_kind().map(|signer| signer.public).to_vec());
    for none in ["none", "None", "NONE", ""] {
        let unsigned = format!("{}.{}.", encoded(&json!({"alg": none})), encoded(&claims(json!({}))));
        assert_eq!(refusal(&jwt, &unsigned), InvalidToken::Key);
    }
    // Nor is the signature left away.
    for signer in Signer::every_kind() {
        let token = signer.sign(&claims(json!({})));
        let unsigned = &token[..=token.rfind('.').unwrap()];
        assert_eq!(refusal(&knowing(signer.public.clone()), unsigned), InvalidToken::Signature);
    }
}

#[test]
fn a_public_key_is_no_secret() {
    let jwt = knowing(Signer::rs256().public);
    let der = rcgen::KeyPair::from_pem(RSA_PRIVATE).unwrap().public_key_raw().to_vec();
    for secret in [RSA_PUBLIC.as_bytes(), RSA_PUBLIC.trim_end().as_bytes(), &der] {
        let forged = by_hand(&json!({"alg": "HS256"}), &claims(json!({})), secret);
        assert_eq!(refusal(&jwt, &forged), InvalidToken::Key);
        // The algorithm of the key, over a signature that is none of it.
        let forged = by_hand(&json!({"alg": "RS256"}), &claims(json!({})), secret);
        assert_eq!(refusal(&jwt, &forged), InvalidToken::Signature);
    }
}

#[test]
fn a_key_that_the_token_brings_along_is_not_used() {
    let jwt = knowing(Signer::es256().public.with_id("real"));
    let attacker = Signer::es256().named("own");
    for header in [
        json!({"jwk": attacker.jwk()}),
        json!({"jku": "https://attacker.example/jwks.json"}),
        json!({"x5u": "https://attacker.example/chain.pem"}),
        json!({"x5c": ["MIIB"]}),
        json!({"kid": "own", "jwk": attacker.jwk()}),
        json!({"kid": "real", "jwk": attacker.jwk()}),
        json!({"kid": "../../dev/null"}),
        json!({"kid": "' or 1=1 --"}),
    ] {
        let mut full: Header = serde_json::from_value(json!({"alg": "ES256"})).unwrap();
        full.jwk = header.get("jwk").map(|jwk| serde_json::from_value(jwk.clone()).unwrap());
        full.jku = header.get("jku").map(|url| url.as_str().unwrap().to_owned());
        full.x5u = header.get("x5u").map(|url| url.as_str().unwrap().to_owned());
        full.x5c = header.get("x5c").map(|chain| serde_json::from_value(chain.clone()).unwrap());
        full.kid = header.get("kid").map(|id| id.as_str().unwrap().to_owned());
        let token = encode(&full, &claims(json!({})), &attacker.private).unwrap();
        let refusal = refusal(&jwt, &token);
        assert!(matches!(refusal, InvalidToken::Key | InvalidToken::Signature), "{header}: {refusal}");
    }
}

#[test]
fn a_token_for_others_or_of_others_is_refused() {
    let signer = Signer::eddsa();
    let jwt = knowing(signer.public.clone());
    let refused = |instead: Value| refusal(&jwt, &signer.sign(&claims(instead)));
    for issuer in [json!("https://id.example.com/"), json!("https://ID.example.com"), json!(null), json!([ISSUER])] {
        assert_eq!(refused(json!({"iss": issuer})), InvalidToken::Issuer);
    }
    for audience in
        [json!("Shelf"), json!(""), json!(null), json!([]), json!(["other"]), json!({"shelf": 1}), json!([["shelf"]])]
    {
        assert_eq!(refused(json!({"aud": audience})), InvalidToken::Audience);
    }
    assert_eq!(resolve(&jwt, &signer.sign(&claims(json!({"aud": ["other", AUDIENCE]})))), Ok(named("acme")));
}

#[test]
fn a_token_out_of_its_time_is_refused() {
    let signer = Signer::hs256();
    let jwt = knowing(signer.public.clone());
    let refused = |instead: Value| refusal(&jwt, &signer.sign(&claims(instead)));
    assert_eq!(refused(json!({"exp": now() - 61})), InvalidToken::Expired);
    assert_eq!(refused(json!({"exp": null})), InvalidToken::Expired);
    assert_eq!(refused(json!({"nbf": now() + 90})), InvalidToken::NotYetValid);
    assert_eq!(resolve(&jwt, &signer.sign(&claims(json!({"nbf": now() - 1})))), Ok(named("acme")));
}

#[test]
fn an_issuer_signs_for_itself_alone() {
    let (ours, theirs) = (Signer::es256(), Signer::es256());
    let jwt = Jwt::new(
        AUDIENCE,
        TenantClaim::Slug("tenant".into()),
        [Issuer::new(ISSUER, ours.public.clone()), Issuer::new("https://bert.example", theirs.public.clone())],
    )
    .unwrap();
    let theirs_as = |issuer: &str| theirs.sign(&claims(json!({"iss": issuer})));
    assert_eq!(resolve(&jwt, &theirs_as("https://bert.example")), Ok(named("acme")));
    assert_eq!(refusal(&jwt, &theirs_as(ISSUER)), InvalidToken::Signature);
}

#[test]
fn an_issuer_of_one_tenant_has_no_say_about_another() {
    let signer = Signer::es256();
    let issuer = |claim: TenantClaim, tenant: TenantName| {
        Jwt::new(AUDIENCE, claim, [Issuer::new(ISSUER, signer.public.clone()).only_for([tenant])])
    };
    let jwt = issuer(TenantClaim::Slug("tenant".into()), named("bert")).unwrap();
    assert_eq!(refusal(&jwt, &signer.sign(&claims(json!({})))), InvalidToken::ForeignTenant);
    assert_eq!(resolve(&jwt, &signer.sign(&claims(json!({"tenant": "bert"})))), Ok(named("bert")));
    let other_name = issuer(TenantClaim::Id("tenant".into()), named("bert")).unwrap_err();
    assert!(matches!(other_name, JwtError::OtherName { .. }), "{other_name}");
}

#[test]
fn the_key_that_a_token_names_is_the_one_that_counts() {
    let (one, other) = (Signer::es256().named("one"), Signer::es256().named("other"));
    let jwt = knowing(vec![one.public.clone(), other.public.clone()]);
    assert_eq!(resolve(&jwt, &other.sign(&claims(json!({})))), Ok(named("acme")));
    let unnamed = Signer { id: None, ..other };
    assert_eq!(resolve(&jwt, &unnamed.sign(&claims(json!({})))), Ok(named("acme")));
    let misnamed = Signer { id: Some("one".into()), ..unnamed };
    assert_eq!(refusal(&jwt, &misnamed.sign(&claims(json!({})))), InvalidToken::Signature);
}

#[test]
fn a_request_without_a_token_and_one_with_an_api_key_are_left_to_others() {
    let keys = ApiKeys::new("shelf").unwrap();
    let key = keys.generate(TenantId::generate());
    let alone = knowing(Signer::hs256().public);
    assert_eq!(refusal(&alone, key.expose_secret()), InvalidToken::Malformed);
    let beside = knowing(Signer::hs256().public).beside(&keys);
    for value in [None, Some("Basic YTpi".to_owned()), Some(format!("Bearer {}", key.expose_secret()))] {
        let mut request = Request::builder().uri("/");
        if let Some(value) = &value {
            request = request.header(header::AUTHORIZATION, value);
        }
        let address = beside.resolve(&request.body(()).unwrap().into_parts().0);
        assert!(matches!(address, Ok(Address::Unknown)), "{value:?}: {address:?}");
    }
    assert_eq!(refusal(&beside, "other_key"), InvalidToken::Malformed);
}

#[test]
fn what_would_let_any_token_in_cannot_be_configured() {
    let new = |audience: &str, claim: &str, issuers: Vec<Issuer>| {
        Jwt::new(audience, TenantClaim::Id(claim.to_owned()), issuers).unwrap_err()
    };
    let issuer = || Issuer::new(ISSUER, Signer::hs256().public);
    assert!(matches!(new("", "tenant", vec![issuer()]), JwtError::Empty(_)));
    assert!(matches!(new(AUDIENCE, "", vec![issuer()]), JwtError::Empty(_)));
    assert!(matches!(new(AUDIENCE, "tenant", vec![Issuer::new("", Signer::hs256().public)]), JwtError::Empty(_)));
    assert_eq!(new(AUDIENCE, "tenant", vec![]), JwtError::NoIssuer);
    assert_eq!(new(AUDIENCE, "tenant", vec![issuer(), issuer()]), JwtError::Twice(ISSUER.into()));
    assert_eq!(new(AUDIENCE, "tenant", vec![Issuer::new(ISSUER, Vec::new())]), JwtError::NoKey(ISSUER.into()));
    assert_eq!(Key::hs256(b"secret").unwrap_err(), KeyError::ShortSecret { length: 6 });
}

#[test]
fn what_is_no_public_key_of_ours_is_refused_as_one() {
    let p384 = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
    for (pem, error) in [
        ("", KeyError::Pem),
        (RSA_PRIVATE, KeyError::Pem),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", KeyError::Pem),
        (include_str!("rsa-1024.pub.pem"), KeyError::Unsupported),
        (&p384.public_key_pem(), KeyError::Unsupported),
    ] {
        assert_eq!(Key::from_pem(pem).unwrap_err(), error, "{pem}");
    }
}

#[test]
fn a_key_is_not_shown_by_accident() {
    let shown = format!("{:?}", knowing(Key::hs256(SECRET).unwrap().with_id("2026")));
    assert!(shown.contains("2026") && shown.contains("HS256"), "{shown}");
    assert!(!shown.contains("thirty") && !shown.contains("116, 104"), "{shown}");
}
