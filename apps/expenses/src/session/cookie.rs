use http::header::{COOKIE, HeaderMap, HeaderValue, InvalidHeaderValue};

use super::token::Token;

/// How the session's cookie is called and set.
///
/// It is host-only (no Domain), out of reach of scripts, and not sent with requests that other sites start, but for
/// following a link. Behind TLS it is also `Secure`, and its name begins with `__Host-`, which browsers let no sibling
/// host set (RFC 6265bis, section 4.1.3).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cookies {
    secure: bool,
}

/// Fourteen days, as the database counts them in `login`.
pub(super) const LIFETIME_SECONDS: u32 = 14 * 24 * 60 * 60;

impl Cookies {
    pub(crate) fn new(secure: bool) -> Self {
        Self { secure }
    }

    fn name(self) -> &'static str {
        if self.secure { "__Host-session" } else { "session" }
    }

    /// The token the request carries. None if it carries two: nobody can say which was meant.
    pub(super) fn token(self, headers: &HeaderMap) -> Option<Token> {
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut values = cookies
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().strip_prefix(self.name())?.strip_prefix('='));
        let value = values.next()?;
        if values.next().is_some() {
            return None;
        }
        Token::parse(value)
    }

    /// The header that sets the cookie.
    pub(super) fn set(self, token: &Token) -> Result<HeaderValue, InvalidHeaderValue> {
        self.header(&token.text(), LIFETIME_SECONDS)
    }

    /// The header that removes the cookie.
    pub(crate) fn clear(self) -> Result<HeaderValue, InvalidHeaderValue> {
        self.header("", 0)
    }

    fn header(self, value: &str, seconds: u32) -> Result<HeaderValue, InvalidHeaderValue> {
        let (name, secure) = (self.name(), if self.secure { "; Secure" } else { "" });
        let mut header = HeaderValue::try_from(format!(
            "{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
        ))?;
        header.set_sensitive(true);
        Ok(header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookies: &[&str]) -> HeaderMap {
        cookies.iter().map(|cookie| (COOKIE, HeaderValue::from_str(cookie).unwrap())).collect()
    }

    #[test]
    fn the_session_is_found_among_other_cookies() {
        let token = Token::generate();
        let text = token.text();
        let found = |cookies: &[&str]| Cookies::new(false).token(&headers(cookies)).map(|token| token.digest());
        assert_eq!(found(&[&format!("a=b; session={text}; c=d")]), Some(token.digest()));
        assert_eq!(found(&["a=b", &format!("session={text}")]), Some(token.digest()));
        assert_eq!(found(&[&format!("xsession={text}")]), None);
        assert_eq!(found(&[&format!("session={text}; session={text}")]), None);
        assert_eq!(found(&[&format!("__Host-session={text}")]), None);
        assert_eq!(found(&[]), None);
    }

    #[test]
    fn the_cookie_is_bound_to_its_host_and_hidden_from_scripts() {
        let token = Token::generate();
        let plain = Cookies::new(false).set(&token).unwrap();
        let text = token.text();
        assert_eq!(plain, format!("session={text}; Path=/; Max-Age=1209600; HttpOnly; SameSite=Lax"));
        let secure = Cookies::new(true).set(&token).unwrap();
        assert_eq!(secure, format!("__Host-session={text}; Path=/; Max-Age=1209600; HttpOnly; SameSite=Lax; Secure"));
        assert!(!format!("{plain:?}").contains(&text));
    }
}
