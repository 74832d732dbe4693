//! Floods from many sources, with one of the many doing more.

use super::{BAD_PASSWORD, LOGGED_IN, Maker};

/// An address of a bot.
fn bot(number: u64) -> String {
    format!("198.18.{}.{}", number / 250, number % 250 + 1)
}

/// Hundreds of sources scan a web server and guess passwords. One of the scanners injects SQL, one that nobody saw before injects
/// a command, and one of the guessers gets in.
pub(super) fn botnet(maker: &mut Maker, count: usize) {
    let bots = (count as u64 / 12).max(100);
    let span = count as u64 * 4;
    for number in 0..count as u64 - 8 {
        let at = number * 4;
        // One after the other, so that the crowd of guessers is full when it matters.
        let guesser = (number % 2 == 0).then(|| bot(number / 2 % bots));
        let source = guesser.clone().unwrap_or_else(|| bot(maker.chance.below(bots)));
        if guesser.is_some() {
            let user =
                maker.chance.one_of(&["root", "admin", "oracle", "test", "git", "deploy"], "root");
            maker.login(at, &source, user, BAD_PASSWORD, ("003", "bastion"), None);
        } else {
            let path = maker.guessed_path();
            maker.web(at, &source, &path, 404, None);
        }
    }
    // Late enough that the crowd is larger than what has a place of its own.
    let late = span / 2;
    let scanner = bot(maker.chance.below(bots));
    let needle = maker.needle("injection by one of the scanners", &scanner, "sql_injection");
    let at = late + maker.chance.below(span / 4);
    maker.web(
        at,
        &scanner,
        "/item/?id=4%27%20UNION%20SELECT%20login,secret%20FROM%20accounts--%20-",
        200,
        Some(needle),
    );
    let fresh = "203.0.113.77";
    let needle = maker.needle("command by a new source", fresh, "command_injection");
    let at = late + maker.chance.below(span / 4);
    maker.web(at, fresh, "/ping/?host=127.0.0.1%3Bcat%20/etc/shadow", 500, Some(needle));
    let guesser = bot(bots + 7);
    for attempt in 0..5 {
        maker.login(
            late + attempt * 40,
            &guesser,
            "backup",
            BAD_PASSWORD,
            ("003", "bastion"),
            None,
        );
    }
    let needle = maker.needle("login by one of the guessers", &guesser, "brute_force");
    maker.login(late + 400, &guesser, "backup", LOGGED_IN, ("003", "bastion"), Some(needle));
}

/// One attacker asks from a new address each time: a scan, and three injections in it.
pub(super) fn rotating_source(maker: &mut Maker, count: usize) {
    let span = count as u64 * 5;
    let address = |number: u64| format!("2001:db8:{:x}::{:x}", number / 4096, number % 4096 + 1);
    for number in 0..count as u64 - 3 {
        let path = maker.guessed_path();
        maker.web(number * 5, &address(number), &path, 404, None);
    }
    let injections = [
        ("sql_injection", "/search/?q=x%27%20OR%20sleep(5)--%20-", 500),
        ("path_traversal", "/download/?file=..%2f..%2f..%2f..%2fetc%2fshadow", 200),
        ("command_injection", "/ping/?host=%60id%60", 200),
    ];
    for (number, (class, url, status)) in injections.into_iter().enumerate() {
        let source = address(1_000_000 + number as u64);
        let needle = maker.needle(&format!("{class} from its own address"), &source, class);
        let at = maker.amid(span);
        maker.web(at, &source, url, status, Some(needle));
    }
}
