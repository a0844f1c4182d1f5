//! Where a document is found again: the text of a Location field.

use crate::model::Scope;

use super::super::target::encode_into;

/// The path under which a document is found again. Keys that a client would normalise away go into the query.
pub fn location(scope: Scope<'_>, key: &str) -> String {
    let mut location = base(scope);
    let is_awkward = |segment: &str| matches!(segment, "" | "." | "..");
    if key.split('/').any(is_awkward) {
        location.push_str("?key=");
        encode_into(&mut location, key, b"");
    } else {
        location.push('/');
        encode_into(&mut location, key, b"/:@!$&'()*+,;=");
    }
    location
}

/// `{base}`: the path of all documents of a scope.
pub fn base(scope: Scope<'_>) -> String {
    let mut base = String::from("/v1/");
    if let Scope::Collection(name) = scope {
        base.push_str("collections/");
        encode_into(&mut base, name.as_str(), b"");
        base.push('/');
    }
    base.push_str("docs");
    base
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::CollectionName;

    #[test]
    fn a_location_leads_back_to_the_key() {
        let users = Scope::Collection(CollectionName::new("us rs").unwrap());
        for (scope, key, expected) in [
            (Scope::Main, "user:1", "/v1/docs/user:1"),
            (Scope::Main, "a/b c?d#e%", "/v1/docs/a/b%20c%3Fd%23e%25"),
            (Scope::Main, "a//b", "/v1/docs?key=a%2F%2Fb"),
            (Scope::Main, "..", "/v1/docs?key=.."),
            (Scope::Main, "a/", "/v1/docs?key=a%2F"),
            (users, "x\r\ny", "/v1/collections/us%20rs/docs/x%0D%0Ay"),
        ] {
            assert_eq!(location(scope, key), expected);
        }
    }
}
