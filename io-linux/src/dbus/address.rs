//! Addresses of buses, as the standard writes them: `unix:path=/run/x;unix:abstract=y,guid=…`.

use rustix::net::SocketAddrUnix;

/// The Unix sockets that a list of addresses names, in its order. Other ways to a bus are left out.
pub(super) fn sockets(addresses: &str) -> impl Iterator<Item = SocketAddrUnix> {
    addresses.split(';').filter_map(|address| {
        let entries = address.strip_prefix("unix:")?.split(',');
        entries.filter_map(|entry| entry.split_once('=')).find_map(|(key, value)| match key {
            "path" => SocketAddrUnix::new(unescaped(value)?).ok(),
            "abstract" => SocketAddrUnix::new_abstract_name(&unescaped(value)?).ok(),
            _ => None,
        })
    })
}

/// `%20` is a space.
fn unescaped(text: &str) -> Option<Vec<u8>> {
    let mut pieces = text.split('%');
    let mut bytes = pieces.next()?.as_bytes().to_vec();
    for piece in pieces {
        bytes.push(u8::from_str_radix(piece.get(..2)?, 16).ok()?);
        bytes.extend(piece.get(2..)?.bytes());
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sockets_in_any_place_of_the_list() {
        let of = |text: &str| {
            let names = sockets(text).map(|it| match (it.path_bytes(), it.abstract_name()) {
                (Some(path), _) => String::from_utf8_lossy(path).into_owned(),
                (None, name) => format!("@{}", String::from_utf8_lossy(name.unwrap_or_default())),
            });
            names.collect::<Vec<_>>()
        };
        assert_eq!(of("unix:path=/run/a%20b%25"), ["/run/a b%"]);
        assert_eq!(of("tcp:host=x;unix:guid=1,abstract=y;;unix:path=/z,guid=2"), ["@y", "/z"]);
        let long = format!("unix:path=/{}", "x".repeat(200));
        for wrong in
            ["", "unix", "unix:", "unix:path", "unix:path=/%2", "unix:path=%zz", "unix:path=é%é", &long]
        {
            assert_eq!(of(wrong), [""; 0], "{wrong}");
        }
    }
}
