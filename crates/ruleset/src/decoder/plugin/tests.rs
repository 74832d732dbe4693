//! Tests of the built-in decoders of fixed formats.

use super::*;

fn data(plugin: &[u8], text: &str) -> String {
    let mut fields = Fields::new();
    Plugin::from_name(plugin).unwrap().decode(text.as_bytes(), &mut fields);
    let mut out = Vec::new();
    fields.write_data(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn a_pf_packet_gives_action_addresses_ports_and_protocol() {
    assert_eq!(
        data(
            b"PF_Decoder",
            "rule 4/(match) block in on lo0: 10.0.0.1.487 > 10.0.0.2.23: S 1:1(0) win 16384"
        ),
        r#"{"protocol":"tcp","action":"block","srcip":"10.0.0.1","srcport":"487","dstip":"10.0.0.2","dstport":"23"}"#
    );
    assert_eq!(
        data(b"PF_Decoder", "rule 3/(match) pass out on xl0: fe80::1.546 > 10.0.0.2:  udp 73"),
        r#"{"protocol":"udp","action":"pass","srcip":"fe80::1","srcport":"546","dstip":"10.0.0.2"}"#
    );
    assert_eq!(data(b"PF_Decoder", "something else"), "");
}

#[test]
fn a_sonicwall_line_gives_what_its_rules_test() {
    let line = "id=fw sn=1 time=\"2007-01-03 14:48:06\" fw=1.1.1.1 pri=6 c=262144 m=98 msg=\"Open src=9.9.9.9\" \
                n=2 src=2.2.2.2:36701:WAN dst=1.1.1.1::X3 proto=tcp/50000 rule=\"17 (LAN";
    assert_eq!(
        data(b"SonicWall_Decoder", line),
        r#"{"protocol":"tcp","srcip":"2.2.2.2","srcport":"36701","dstip":"1.1.1.1","id":"98","status":"6"}"#
    );
}

#[test]
fn a_symantec_line_gives_client_user_and_kind() {
    assert_eq!(
        data(
            b"SymantecWS_Decoder",
            "20070717,73559,1=5,11=10.0.0.4,10=userb,3=2,2=1,60=http://a/b"
        ),
        r#"{"srcip":"10.0.0.4","dstuser":"userb","id":"3=2,2=1","url":"http://a/b"}"#
    );
    assert_eq!(data(b"SymantecWS_Decoder", "20070717,73559,1=5,2=27"), r#"{"id":"2=27"}"#);
}

#[test]
fn a_forwarded_alert_gives_address_and_user() {
    let line = "Alert Level: 3; Rule: 5715 - Login.; Location: (web) 10.0.0.1->/x; srcip: 10.0.0.9; user: root; \
                srcip: 1; log";
    assert_eq!(data(b"OSSECAlert_Decoder", line), r#"{"srcip":"10.0.0.9","dstuser":"root"}"#);
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_without_panic(text in "( in on |: | > |src=|\"|11=|,|Alert Level: |; |user: |[^a]){0,40}") {
        for plugin in [Plugin::Pf, Plugin::SymantecWs, Plugin::SonicWall, Plugin::OssecAlert] {
            plugin.decode(text.as_bytes(), &mut Fields::new());
        }
    }
}
