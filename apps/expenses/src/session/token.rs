use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rand::RngExt;
use sha2::{Digest, Sha256};

/// A secret that stands for somebody: 32 random bytes, of which only the digest is stored.
///
/// Sessions have one, in the cookie, and so have links that are sent by mail.
pub(crate) struct Token([u8; 32]);

impl Token {
    pub(crate) fn generate() -> Self {
        Self(rand::rng().random())
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        BASE64_URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    pub(crate) fn text(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.0)
    }

    pub(crate) fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.0).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_back_and_no_other_text_is_one() {
        let token = Token::generate();
        assert_eq!(Token::parse(&token.text()).unwrap().digest(), token.digest());
        for text in ["", "a", &"a".repeat(42), &"a".repeat(44), &format!("{}=", token.text())] {
            assert!(Token::parse(text).is_none(), "{text:?} was taken for a token");
        }
    }
}
