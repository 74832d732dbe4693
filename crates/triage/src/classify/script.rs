//! Signs of cross-site scripting: markup that runs, schemes that run, and script that leaves a
//! string.
//!
//! People paste harmless markup into search boxes, so a tag alone counts only if its kind can run
//! or load something. The view without control characters shows schemes that were split by tabs and
//! line ends, which browsers skip.

use super::WebClass::Xss;
use super::rule::{Place, Sign, sign as any_sign};
use super::view::View;

const fn sign(
    strength: u8,
    reason: &'static str,
    anchors: &'static [&'static str],
    pattern: &'static str,
) -> Sign {
    any_sign(Xss, View::Plain, strength, reason, anchors, pattern)
}

const fn tight(
    strength: u8,
    reason: &'static str,
    anchors: &'static [&'static str],
    pattern: &'static str,
) -> Sign {
    any_sign(Xss, View::Tight, strength, reason, anchors, pattern)
}

pub(super) const SIGNS: &[Sign] = &[
    sign(90, "is a script element", &["script"], r#"<\s*/?\s*(?:[\w]{1,10}:)?script[^a-z0-9_.-]"#),
    sign(70, "is a script element", &["script"], r#"<[^a-z]{0,4}/?\s*script(?:type|src|\s*$)"#),
    sign(55, "is a script element in an odd encoding", &["script"], r#"[^\x00-\x7f]script[^\x00-\x7f][\w.]{1,20}\("#),
    sign(
        90,
        "is a tag with an event handler",
        &["="],
        r#"<\s*[a-z!/?%\[x][^<]{0,400}?[^a-z0-9_.&?]on[a-z]{3,45}[\s\\]*="#,
    )
    .only(Place::Any),
    sign(80, "is a tag with an event handler", &["="], r#"<\W?[^>]{0,300}["'\s/]on[a-z]{3,45}\s*="#),
    sign(
        75,
        "adds an event handler to a tag",
        &["="],
        r#"(?:^|["'`\s/;)<])on(?:load|error|click|dblclick|mouse|focus|blur|key|submit|change|select|copy|cut|paste|drag|drop|scroll|resize|wheel|pointer|touch|animation|transition|toggle|begin|end|repeat|start|finish|bounce|before|after|page|message|hash|pop|online|offline|storage|unload|input|invalid|reset|search|context|play|pause|seek|volume|canplay|loaded|progress|abort|activate|deactivate|show|close|cancel|webkit|readystate|qt_|form|auxclick|activate|move|row|cell|data|layout|help|stop|time|track|media|lose|filter|control|error|ready|security|propertychange)[a-z]{0,40}\s*=\s*['"`]?[^\s&]"#,
    )
    .only(Place::Any),
    sign(60, "closes an attribute and adds a handler", &["="], r#"^[^'"`]*['"`]\s*/?\s*on[a-z]{3,45}\s*="#),
    sign(50, "is an empty handler", &["="], r"^\s*on[a-z]{4,20}\s*=\s*"),
    // Schemes.
    sign(85, "runs script through a URL", &["script:"], r#"(?:java|vb|live|j)script\s*:\s*[^\s'"<>]{0,80}[(`=\[]"#),
    sign(80, "runs script through a URL", &["script:", "mocha:"], r#"(?:=|\(|[/>;,'"])\s*['"`]?\s*(?:(?:java|vb|live)script|mocha)\s*:|^\s*(?:(?:java|vb|live)script|mocha)\s*:\s*(?:[^\sa-z]|\S+$)"#),
    tight(75, "runs script through a split URL", &["javascript:", "vbscript:"], r#"(?:=|\(|[/>;,'"])\s*['"`]?\s*(?:java|vb)script:|^\s*(?:java|vb)script:\S"#),
    tight(70, "runs script through a split URL", &["javascript:", "vbscript:"], r"(?:java|vb)script:[\w.'/*+]{0,60}[(`=]"),
    sign(75, "runs script through a split URL", &["java"], r#"=\s*['"]?\s*j\s*a\s*v\s*a\s*s\s*c\s*r\s*i\s*p\s*t\s*:|java script:\w+\("#),
    sign(60, "runs script in a style", &["javascript"], r"url\s*\(\s*['\x22]?\s*javascript"),
    sign(80, "carries a page in a data URL", &["data:"], r#"data\s*:\s*[^,\s'"]{0,60}(?:html|svg|xml|javascript|ecmascript)[^,]{0,40},?\s*|(?:src|href|data|code)\s*=\s*['"]?\s*data\s*:"#),
    // Tags that run or load something.
    sign(
        70,
        "is a tag that runs or loads something",
        &["<"],
        r#"<\s*/?\s*(?:iframe|svg|embed|applet|meta|base|body|math|video|audio|style|marquee|isindex|frameset|frame|bgsound|ilayer|animate\w*|xsl:\w+|xss\w*|foreignobject|noscript|noembed|noframes|textarea|xmp|plaintext|html|!doctype\s+html)(?:[\s/>\x0c"'`]|$)"#,
    ),
    sign(
        65,
        "is a tag that runs or loads something",
        &["<"],
        r#"<\s*(?:object|link|import|set|layer|xml|image|handler|listener|discard|keygen|portal|template|input|select|button|form|details|dialog|source|track|area|map|option|textarea|title|head)[\s/]+[^>]*=|</(?:object|form|select|button|xml|layer|a)\s+on"#,
    ),
    sign(65, "is an image that loads something", &["<img", "<image", "< img"], r#"<\s*ima?ge?[^a-z][^>]{0,200}\b(?:src|srcset|dynsrc|lowsrc)\b\W{0,12}=\s*\\?['"`]?\s*(?:[^h\s'"`]|h[^t]|$)"#),
    sign(60, "is an image that loads something", &["<imgsrc", "<img\""], r#"<imgsrc|<img\s*["']"#),
    sign(80, "points a tag at a script or foreign place", &["src", "href", "data", "action", "background", "poster", "code"], r#"<[^>]{0,200}[\s/"'](?:src|href|xlink:href|data|action|formaction|background|poster|code|lowsrc|dynsrc|from|to|values)\s*=\s*['"`]?\s*(?:(?:java|vb|live)script|data:|//|\\\\)"#),
    sign(65, "is a tag with a style", &["style"], r#"<\s*[a-z%]+[^>]{0,200}[\s/"']style\s*=\s*\S|\bstyle\s*=\s*['"]?[a-z-]+\s*:[^'"]*(?:url|expression|absolute|behavior)"#),
    sign(75, "runs script in a style", &["expression", "behavior", "moz-binding", "@import"], r#"[:{;]?\s*(?:[\w/*\\]*)expression\s*\(\s*[\w(]*\(|x:expression|style[^>]*expression|behavior\s*:\s*url|-moz-binding|@import\s*['"(u]"#),
    sign(60, "is markup with a name", &["<div", "<x ", "<p ", "<span", "<a "], r#"<(?:div|span|x)\s+(?:id|style|class|xmlns|draggable|contenteditable|tabindex|onclick)\s*=|<[a-z]{1,10}\s+(?:style|xmlns|draggable|contenteditable|tabindex)\s*="#),
    sign(35, "is a comment of markup", &["<!--"], r"<!--\s*[^#\s]"),
    sign(45, "is a comment of markup", &["<![", "--!>", "<!-- ie", "<!-- [if"], r"<!\[(?:cdata|>|if|endif)|--!>|<!--\s*(?:ie\s?\d|\[if)"),
    sign(75, "loads a page from an attribute", &["srcdoc", "formaction", "xlink:href", "attributename", "datasrc"], r#"(?:^|[^\w])(?:srcdoc|formaction|xlink:href|attributename|datasrc)\s*=\s*['"&]?\w*"#),
    sign(70, "closes a tag and opens another", &["><", "> <", ">]"], r#"(?:^|[^=\w])['"`]\s*/?\s*>\s*<\s*[a-z/!]|^['"]?>\s*<\s*[a-z]"#),
    sign(65, "closes an element that holds text", &["</"], r"</\s*(?:script|style|title|textarea|noscript|iframe|svg|xss|form|frameset|xmp|body|html)\b"),
    sign(60, "is an unknown tag with a handler", &["<"], r#"<[a-z]+[/\s]+[^>]*=\s*\(?(?:alert|prompt|confirm|eval)"#),
    sign(45, "is a namespace of script", &["xmlns"], r#"xmlns(?::\w+)?\s*=\s*['"]?http|xsi:schemalocation"#),
    // Script itself.
    sign(75, "calls a dialogue", &["alert", "prompt", "confirm"], r#"(?:^|[^\w.\s]|[^\w.]\s)(?:window\.|self\.|top\.|this\.|parent\.)?\(?(?:alert|confirm|prompt)\)?(?:\?\.)?(?:\(\s*(?:[\d'"/\w.)`\[\\]|$)|\s\(\s*(?:[\d'"/`]|document|$)|`[\w.])"#),
    sign(60, "calls a dialogue", &["alert", "prompt", "confirm"], r#"\b(?:alert|confirm|prompt)(?:\(|`)\s*(?:\d|'|"|/|document|window|`|string\.|xss|self|origin|location)"#),
    sign(55, "calls a dialogue", &["alert", "prompt", "confirm"], r"[=(,\[]\s*\(?(?:alert|confirm|prompt)\s*[,;)\]]\s*\w*\s*\(|\b(?:alert|prompt|confirm)\?\."),
    sign(70, "uses a string break to call a function", &["alert", "prompt", "confirm", "eval", "fetch(", "import("], r#"^[^'"`]*['"`][\s)\]};]*[-+*/^|&;,%<>=?]+\s*(?:\w+\.)?(?:alert|prompt|confirm|eval|fetch|import)\s*[(`?]"#),
    sign(65, "reads the page", &["document"], r#"document\s*\??\.(?:cookie|domain|write(?:ln)?|location|body|forms|documentelement|head\.|getelement\w*\s*\(|queryselector\w*\(|createelement\s*\(|execcommand|url\b)"#),
    sign(55, "reads the page", &["(document", "[document", "=document"], r#"[(\[=]\s*document\s*\??[.\[)]"#),
    sign(60, "changes the page", &["innerhtml", "outerhtml", "insertadjacent", "textcontent", "fromcharcode", "location", "activexobject", "setinterval", "settimeout"], r#"\.(?:inner|outer)html\s*\+?=|insertadjacenthtml|\.textcontent\s*=|string\s*\.\s*fromcharcode\s*\(?|(?:window|self|top|this|document|parent)\s*\.\s*location\s*=?\s*\S?|new\s+activexobject|(?:settimeout|setinterval)\s*\(\s*['"`]|location\s*\.\s*(?:hash|href|replace)\s*[.=(]"#),
    sign(55, "runs a string as script", &["eval", "atob", "function("], r#"(?:^|[^\w.])(?:eval|atob|btoa|execscript)\s*\(|\bfunction\s*\([^)]*\)\s*\{[^}]*(?:alert|eval|document|window)"#),
    sign(55, "writes script without letters", &["![]", "[]["], r#"!\s?!?\s?\[\]\s*(?:[+)\[]|$)|\[\]\s*\[\s*['"(!]|\(!\[\]\s*\+"#),
    sign(60, "talks to the browser's privileged parts", &["components.", "createinstance", "xmlhttp", "defineproper"], r"components\.(?:classes|interfaces)|createinstance\s*\(|new\s+xmlhttprequest|microsoft\.xmlhttp|object\.definepropert"),
    sign(45, "is an encoded bracket", &["<"], r"^[\s&#;x0]*<[\s;]*$").only(Place::Value),
    sign(50, "ends inside a tag", &["<"], r#"<(?:img|svg|iframe|body|input|a|div|script|object|embed|video|audio|details|math|style)\s*(?:on\w+|src|href|style)?\s*$|<["'`][a-z]+\s*=|\$<\s*[a-z]"#).only(Place::Value),
];
