//! A JSON parser: characters, slices, numbers, lists and maps.

use std::collections::HashMap;

enum Json {
    Null,
    Bool(bool),
    Number(i64),
    String(String),
    List(Vec<Json>),
    Map(HashMap<String, Json>),
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
}

type Parsed<T> = Result<T, (&'static str, usize)>;

impl Parser<'_> {
    fn peek(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or(0)
    }

    fn skip(&mut self) {
        while self.at < self.text.len() && self.peek() <= b' ' {
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8) -> Parsed<()> {
        if self.peek() != byte {
            return Err(("unexpected character", self.at));
        }
        self.at += 1;
        Ok(())
    }

    fn value(&mut self) -> Parsed<Json> {
        self.skip();
        let value = match self.peek() {
            b'{' => Json::Map(self.map()?),
            b'[' => Json::List(self.list()?),
            b'"' => Json::String(self.string()?),
            b't' => self.word("true", Json::Bool(true))?,
            b'f' => self.word("false", Json::Bool(false))?,
            b'n' => self.word("null", Json::Null)?,
            _ => Json::Number(self.number()?),
        };
        self.skip();
        Ok(value)
    }

    fn word(&mut self, letters: &str, value: Json) -> Parsed<Json> {
        let end = self.at + letters.len();
        if self.text.get(self.at..end) != Some(letters) {
            return Err(("unexpected word", self.at));
        }
        self.at = end;
        Ok(value)
    }

    fn number(&mut self) -> Parsed<i64> {
        let negative = self.peek() == b'-';
        if negative {
            self.at += 1;
        }
        let start = self.at;
        let mut number = 0;
        while self.peek().is_ascii_digit() {
            number = number * 10 + i64::from(self.peek() - b'0');
            self.at += 1;
        }
        if self.at == start {
            return Err(("a number expected", start));
        }
        Ok(if negative { -number } else { number })
    }

    fn string(&mut self) -> Parsed<String> {
        self.expect(b'"')?;
        let start = self.at;
        while self.peek() != b'"' {
            if self.at >= self.text.len() {
                return Err(("an unfinished string", start));
            }
            self.at += 1;
        }
        let string = self.text[start..self.at].to_owned();
        self.at += 1;
        Ok(string)
    }

    fn list(&mut self) -> Parsed<Vec<Json>> {
        self.expect(b'[')?;
        let mut items = Vec::new();
        self.skip();
        if self.peek() == b']' {
            self.at += 1;
            return Ok(items);
        }
        loop {
            items.push(self.value()?);
            if self.peek() != b',' {
                break;
            }
            self.at += 1;
        }
        self.expect(b']')?;
        Ok(items)
    }

    fn map(&mut self) -> Parsed<HashMap<String, Json>> {
        self.expect(b'{')?;
        let mut entries = HashMap::new();
        self.skip();
        if self.peek() == b'}' {
            self.at += 1;
            return Ok(entries);
        }
        loop {
            self.skip();
            let key = self.string()?;
            self.skip();
            self.expect(b':')?;
            let value = self.value()?;
            entries.insert(key, value);
            if self.peek() != b',' {
                break;
            }
            self.at += 1;
        }
        self.expect(b'}')?;
        Ok(entries)
    }
}

fn document(people: i64) -> String {
    let mut entries = Vec::new();
    for i in 0..people {
        let tags: Vec<String> = (0..i % 4).map(|t| format!("\"tag{t}\"")).collect();
        entries.push(format!(
            "{{\"id\": {i}, \"name\": \"person {}\", \"tags\": [{}], \"balance\": {}, \"active\": {}, \"boss\": null}}",
            i * 37 % people,
            tags.join(", "),
            i * 7919 % 2003 - 1000,
            i % 3 == 0
        ));
    }
    format!("[\n  {}\n]\n", entries.join(",\n  "))
}

/// What a person adds to the result.
fn weight(person: &HashMap<String, Json>) -> i64 {
    person
        .iter()
        .map(|(key, value)| match (key.as_str(), value) {
            ("id" | "balance", Json::Number(number)) => *number,
            ("name", Json::String(name)) => name.len() as i64,
            ("tags", Json::List(tags)) => tags.len() as i64,
            ("active", Json::Bool(active)) => i64::from(*active),
            _ => 0,
        })
        .sum()
}

fn run(rounds: i64) -> i64 {
    let text = document(100);
    let mut sum = text.len() as i64;
    for _ in 0..rounds {
        let parsed = Parser { text: &text, at: 0 }.value();
        let Ok(Json::List(people)) = parsed else { panic!("the document is a list") };
        for person in &people {
            if let Json::Map(person) = person {
                sum += weight(person);
            }
        }
    }
    sum
}

fn main() {
    let size = std::env::args().nth(1).and_then(|size| size.parse().ok()).expect("a size");
    println!("{}", run(size));
}
