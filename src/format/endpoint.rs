//! Endpoints as Windows tools write them (windows-text 9): `address:port`, `host:port`, and `address:port:host` of IIS.

use std::net::{IpAddr, Ipv6Addr};

/// The parts of an endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Endpoint<'a> {
    /// The address, without brackets; none for "all of them" (`*`).
    pub(super) ip: Option<&'a str>,
    /// The port.
    pub(super) port: Option<u16>,
    /// The host name that clients ask for.
    pub(super) host: Option<&'a str>,
}

/// `0.0.0.0:443`, `[::]:443` or `host:443`: what stands behind the last colon is the port.
pub(super) fn of_socket(text: &str) -> Option<Endpoint<'_>> {
    let (host, port) = text.rsplit_once(':')?;
    let port = Some(port_of(port)?);
    if let Some(ip) = address(host) {
        return Some(Endpoint { ip: Some(ip), port, host: None });
    }
    let is_host = !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || "[]:/\\\"{}".contains(c));
    is_host.then_some(Endpoint { ip: None, port, host: Some(host) })
}

/// `address:port:host` of IIS, where the address may be `*` and the host empty.
pub(super) fn of_binding_information(text: &str) -> Option<Endpoint<'_>> {
    let (rest, host) = text.trim().rsplit_once(':')?;
    let (ip, port) = rest.rsplit_once(':')?;
    let port = Some(port_of(port)?);
    let all = matches!(ip, "*" | "");
    let ip = address(ip);
    (ip.is_some() || all).then_some(Endpoint { ip, port, host: (!host.is_empty()).then_some(host) })
}

/// Decimal digits alone, of a port that can be listened at.
pub(super) fn port_of(text: &str) -> Option<u16> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| digits && *port != 0)
}

/// An address without its brackets.
fn address(text: &str) -> Option<&str> {
    match text.strip_prefix('[') {
        Some(rest) => {
            let inner = rest.strip_suffix(']')?;
            let bare = inner.split('%').next()?;
            bare.parse::<Ipv6Addr>().ok().map(|_| inner)
        }
        None => text.parse::<IpAddr>().ok().map(|_| text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts<'a>(endpoint: Option<Endpoint<'a>>) -> Option<(Option<&'a str>, Option<u16>, Option<&'a str>)> {
        endpoint.map(|endpoint| (endpoint.ip, endpoint.port, endpoint.host))
    }

    #[test]
    fn the_last_colon_parts_host_and_port() {
        assert_eq!(parts(of_socket("0.0.0.0:443")), Some((Some("0.0.0.0"), Some(443), None)));
        assert_eq!(parts(of_socket("[fe80::1%4]:8443")), Some((Some("fe80::1%4"), Some(8443), None)));
        assert_eq!(parts(of_socket("www.contoso.com:443")), Some((None, Some(443), Some("www.contoso.com"))));
        for none in ["443", ":443", "host:", "host:65536", "host:0", "two words:443", "host:+443", "[x]:443", "a:b:1"] {
            assert_eq!(of_socket(none), None, "{none}");
        }
    }

    #[test]
    fn iis_puts_the_host_behind_the_port() {
        assert_eq!(parts(of_binding_information("*:443:")), Some((None, Some(443), None)));
        assert_eq!(
            parts(of_binding_information("[::1]:8443:app.contoso.com")),
            Some((Some("::1"), Some(8443), Some("app.contoso.com")))
        );
        for none in ["", "443", "*:443", "x:443:host", "*:none:host"] {
            assert_eq!(of_binding_information(none), None, "{none}");
        }
    }
}
