use std::sync::LazyLock;

use jsonwebtoken::{DecodingKey, Validation, decode};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;

/// The resolver, a valid token for `acme`, and tokens for others: of the same issuer for another audience, and of strangers.
static GIVEN: LazyLock<(Jwt, String, Vec<String>)> = LazyLock::new(|| {
    let [hs256, rs256, es256, eddsa] = Signer::every_kind();
    let jwt = knowing(vec![es256.public.clone()]);
    let token = es256.sign(&claims(json!({})));
    let others = [
        es256.sign(&claims(json!({"tenant": "bert", "aud": "other"}))),
        es256.sign(&claims(json!({"tenant": "bert", "exp": 1}))),
        Signer::es256().sign(&claims(json!({"tenant": "bert"}))),
        hs256.sign(&claims(json!({"tenant": "bert"}))),
        rs256.sign(&claims(json!({"tenant": "bert"}))),
        eddsa.sign(&claims(json!({"tenant": "bert"}))),
    ];
    (jwt, token, others.to_vec())
});

/// A token made of the valid one: a character changed, put in or taken out, parts of other tokens in the place of its own.
fn mutated() -> impl Strategy<Value = String> {
    let character = "[A-Za-z0-9._=+/~-]";
    let parts = |token: &str| token.split('.').map(str::to_owned).collect::<Vec<_>>();
    let other = || select(GIVEN.2.clone());
    prop_oneof![
        (any::<Index>(), character).prop_map(|(place, character)| {
            let mut text = GIVEN.1.clone();
            let place = place.index(text.len());
            text.replace_range(place..=place, &character);
            text
        }),
        (any::<Index>(), character).prop_map(|(place, character)| {
            let mut text = GIVEN.1.clone();
            text.insert_str(place.index(text.len() + 1), &character);
            text
        }),
        (any::<Index>(), 1..40_usize).prop_map(|(place, length)| {
            let mut text = GIVEN.1.clone();
            let place = place.index(text.len());
            text.drain(place..(place + length).min(text.len()));
            text
        }),
        (other(), any::<[bool; 3]>()).prop_map(move |(other, theirs)| {
            let (own, other) = (parts(&GIVEN.1), parts(&other));
            let part = |index: usize| if theirs[index] { other[index].as_str() } else { own[index].as_str() };
            [part(0), part(1), part(2)].join(".")
        }),
        other(),
    ]
}

/// Claims as issuers and attackers write them.
fn any_claims() -> impl Strategy<Value = Value> {
    let time = || {
        prop_oneof![
            3 => (100..100_000_u64).prop_map(|ahead| json!(now() + ahead)),
            1 => (100..100_000_u64).prop_map(|behind| json!(now() - behind)),
            1 => (100..100_000_u64).prop_map(|ahead| json!((now() + ahead) as f64 + 0.25)),
            1 => select(vec![json!(null), json!("2000000000"), json!(-1), json!([]), json!(u64::MAX)]),
        ]
    };
    let names = |right: &'static str| {
        select(vec![
            json!(right),
            json!(right),
            json!([right]),
            json!(["x", right]),
            json!("x"),
            json!(null),
            json!([]),
            json!(7),
        ])
    };
    (time(), prop::option::of(time()), names(AUDIENCE), names(ISSUER)).prop_map(|(exp, nbf, aud, iss)| {
        let mut claims = json!({"exp": exp, "aud": aud, "iss": iss, "tenant": "acme"});
        if let Some(nbf) = nbf {
            claims["nbf"] = nbf;
        }
        claims
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn a_token_that_was_tampered_with_is_refused(text in mutated()) {
        let (jwt, token, _) = &*GIVEN;
        if text == *token {
            prop_assert_eq!(resolve(jwt, &text), Ok(named("acme")));
        } else {
            prop_assert!(resolve(jwt, &text).is_err(), "{} was taken", text);
        }
    }

    #[test]
    fn what_is_accepted_here_is_accepted_by_the_other_implementation(claims in any_claims()) {
        let token = Signer::hs256().sign(&claims);
        let ours = resolve(&knowing(Signer::hs256().public), &token);
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.validate_nbf = true;
        let theirs = decode::<Value>(&token, &DecodingKey::from_secret(SECRET), &validation);
        // It takes a list of issuers, which no issuer sends, and a beginning that is null.
        let stricter = !claims["iss"].is_string() || claims.get("nbf").is_some_and(|nbf| nbf.as_f64().is_none());
        prop_assert!(ours.is_err() || theirs.is_ok(), "{}: {:?} {:?}", claims, ours, theirs.err());
        prop_assert!(ours.is_ok() || stricter || theirs.is_err(), "{}: {:?}", claims, ours);
    }
}
