//! A made-up alert of the size and shape that a web attack has: 2.7 kB on one line.
//!
//! The time of a hook depends little on what is in it, but the Python hook parses it, so it must
//! look like what Wazuh writes. Addresses and names are those reserved for examples.

/// The alert, with the newline that integratord adds.
pub(super) const TEXT: &str = concat!(
    r#"{"timestamp":"2025-11-24T16:22:08.114+0000","rule":{"level":7,"description":"SQL"#,
    r#" injection attempt.","id":"31103","mitre":{"id":["T1190"],"tactic":["Initial Acc"#,
    r#"ess"],"technique":["Exploit Public-Facing Application"]},"firedtimes":112,"mail""#,
    r#":false,"groups":["web","accesslog","attack","sql_injection"],"pci_dss":["6.5","1"#,
    r#"1.4","6.5.1"],"gdpr":["IV_35.7.d"],"nist_800_53":["SA.11","SI.4"],"tsc":["CC6.6""#,
    r#","CC7.1","CC8.1","CC6.1","CC6.8","CC7.2","CC7.3"]},"agent":{"id":"014","name":"s"#,
    r#"hop-front-2","ip":"192.0.2.14"},"manager":{"name":"siem-manager-1"},"id":"176400"#,
    r#"1328.48211907","cluster":{"name":"siem","node":"worker-01"},"full_log":"198.51.1"#,
    r#"00.23 - - [24/Nov/2025:16:22:07 +0000] \"GET /product.php?id=1%27%20UNION%20SELE"#,
    r#"CT%20NULL%2Cconcat%28user%2C0x3a%2Cpassword%29%2CNULL%20FROM%20accounts%20WHERE%"#,
    r#"20%271%27%3D%271&sort=price&page=3&ref=catalogue%2Fspring%2Foutdoor%2Ftents&sess"#,
    r#"ion=7f3c9a0e55d148b2&campaign=spring-sale-2025&utm_source=newsletter&utm_medium="#,
    r#"mail&filter=size%3Alarge%7Ccolour%3Agreen%7Cseason%3A3&view=grid&lang=en&trail=h"#,
    r#"ome%3Eoutdoor%3Etents%3Efour-person HTTP/1.1\" 200 18231 \"https://shop.example/"#,
    r#"catalogue/spring/outdoor/tents?page=2&sort=price\" \"Mozilla/5.0 (X11; Linux x86"#,
    r#"_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36\"","d"#,
    r#"ecoder":{"name":"web-accesslog"},"data":{"protocol":"GET","srcip":"198.51.100.23"#,
    r#"","id":"200","url":"/product.php?id=1%27%20UNION%20SELECT%20NULL%2Cconcat%28user"#,
    r#"%2C0x3a%2Cpassword%29%2CNULL%20FROM%20accounts%20WHERE%20%271%27%3D%271&sort=pri"#,
    r#"ce&page=3&ref=catalogue%2Fspring%2Foutdoor%2Ftents&session=7f3c9a0e55d148b2&camp"#,
    r#"aign=spring-sale-2025&utm_source=newsletter&utm_medium=mail&filter=size%3Alarge%"#,
    r#"7Ccolour%3Agreen%7Cseason%3A3&view=grid&lang=en&trail=home%3Eoutdoor%3Etents%3Ef"#,
    r#"our-person","browser":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML"#,
    r#", like Gecko) Chrome/131.0.0.0 Safari/537.36"},"GeoLocation":{"country_name":"Ex"#,
    r#"ampleland","region_name":"North","location":{"lon":10.75,"lat":59.91}},"location"#,
    r#"":"/var/log/nginx/shop-access.log","previous_output":"198.51.100.23 - - [24/Nov/"#,
    r#"2025:16:22:07 +0000] \"GET /product.php?id=1%27%20UNION%20SELECT%20NULL%2Cconcat"#,
    r#"%28user%2C0x3a%2Cpassword%29%2CNULL%20FROM%20accounts%20WHERE%20%271%27%3D%271&s"#,
    r#"ort=price&page=3&ref=catalogue%2Fspring%2Foutdoor%2Ftents&session=7f3c9a0e55d148"#,
    r#"b2&campaign=spring-sale-2025&utm_source=newsletter&utm_medium=mail&filter=size%3"#,
    r#"Alarge%7Ccolour%3Agreen%7Cseason%3A3&view=grid&lang=en&trail=home%3Eoutdoor%3Ete"#,
    r#"nts%3Efour-person HTTP/1.1\" 200 18231 \"https://shop.example/catalogue/spring/o"#,
    r#"utdoor/tents?page=2&sort=price\" \"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/5"#,
    r#"37.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36\""}"#,
    "\n"
);
