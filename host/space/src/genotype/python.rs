//! The few literals of Python that genotypes are written in.

use std::fmt;

use super::GenotypeError;

/// Deepest nesting that is read: a matrix within a list of arguments has 3.
const MAX_DEPTH: usize = 8;

/// A literal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Literal {
    Integer(i64),
    Text(String),
    /// A list or a tuple.
    List(Vec<Self>),
    /// `name(argument, key=argument)`, or `{"key": argument}` without a name.
    Call {
        name: String,
        arguments: Vec<(Option<String>, Self)>,
    },
}

pub(super) fn parse(text: &str) -> Result<Literal, GenotypeError> {
    let mut parser = Parser { text: text.chars().collect(), place: 0 };
    let literal = parser.literal(0)?;
    match parser.peek() {
        None => Ok(literal),
        Some(_) => parser.error("nothing more is expected here"),
    }
}

struct Parser {
    text: Vec<char>,
    place: usize,
}

impl Parser {
    fn error<T>(&self, problem: impl Into<String>) -> Result<T, GenotypeError> {
        Err(GenotypeError::new(self.place, problem))
    }

    /// The next character that is no white space.
    fn peek(&mut self) -> Option<char> {
        while self.text.get(self.place).is_some_and(|char| char.is_whitespace()) {
            self.place += 1;
        }
        self.text.get(self.place).copied()
    }

    fn eat(&mut self, wanted: char) -> bool {
        let there = self.peek() == Some(wanted);
        self.place += usize::from(there);
        there
    }

    fn literal(&mut self, depth: usize) -> Result<Literal, GenotypeError> {
        if depth == MAX_DEPTH {
            return self.error(format!("brackets are nested more than {MAX_DEPTH} deep"));
        }
        match self.peek() {
            Some(quote @ ('\'' | '"')) => self.quoted(quote).map(Literal::Text),
            Some('[') => self.list(']', depth),
            Some('(') => self.list(')', depth),
            Some('{') => {
                self.place += 1;
                let arguments = self.arguments('}', ':', depth)?;
                Ok(Literal::Call { name: String::new(), arguments })
            }
            Some(char) if char.is_ascii_digit() || char == '-' => self.integer().map(Literal::Integer),
            Some(char) if char.is_alphabetic() => {
                let name = self.word();
                if !self.eat('(') {
                    return self.error(format!("`(` is missing behind `{name}`"));
                }
                let arguments = self.arguments(')', '=', depth)?;
                Ok(Literal::Call { name, arguments })
            }
            Some(char) => self.error(format!("`{char}` starts nothing that a genotype is made of")),
            None => self.error("the text breaks off"),
        }
    }

    fn list(&mut self, end: char, depth: usize) -> Result<Literal, GenotypeError> {
        self.place += 1;
        let mut list = Vec::new();
        while !self.eat(end) {
            if !list.is_empty() && !self.eat(',') {
                return self.error(format!("`,` or `{end}` is missing"));
            }
            // A comma may end a tuple.
            if self.eat(end) {
                break;
            }
            list.push(self.literal(depth + 1)?);
        }
        Ok(Literal::List(list))
    }

    /// Arguments up to the closing bracket, with their keys.
    fn arguments(
        &mut self,
        end: char,
        sign: char,
        depth: usize,
    ) -> Result<Vec<(Option<String>, Literal)>, GenotypeError> {
        let mut arguments = Vec::new();
        while !self.eat(end) {
            if !arguments.is_empty() && !self.eat(',') {
                return self.error(format!("`,` or `{end}` is missing"));
            }
            if self.eat(end) {
                break;
            }
            let start = self.place;
            let key = match self.peek() {
                Some(quote @ ('\'' | '"')) if sign == ':' => Some(self.quoted(quote)?),
                Some(char) if char.is_alphabetic() => Some(self.word()),
                _ => None,
            };
            let key = key.filter(|_| self.eat(sign));
            if key.is_none() {
                self.place = start;
            }
            arguments.push((key, self.literal(depth + 1)?));
        }
        Ok(arguments)
    }

    fn quoted(&mut self, quote: char) -> Result<String, GenotypeError> {
        self.place += 1;
        let rest = &self.text[self.place..];
        let Some(length) = rest.iter().position(|char| *char == quote) else {
            return self.error("the text breaks off within quotation marks");
        };
        let text = rest[..length].iter().collect();
        self.place += length + 1;
        Ok(text)
    }

    fn word(&mut self) -> String {
        let rest = &self.text[self.place..];
        let word: String = rest.iter().take_while(|char| char.is_alphanumeric() || **char == '_').collect();
        self.place += word.chars().count();
        word
    }

    fn integer(&mut self) -> Result<i64, GenotypeError> {
        let rest = &self.text[self.place..];
        let digits: String = rest.iter().take_while(|char| char.is_ascii_digit() || **char == '-').collect();
        match digits.parse() {
            Ok(integer) => {
                self.place += digits.len();
                Ok(integer)
            }
            Err(_) => self.error(format!("`{digits}` is no integer")),
        }
    }
}

impl Literal {
    /// Small numbers, indices of vertices.
    pub(super) fn indices(&self) -> Option<Vec<usize>> {
        match self {
            Self::List(list) => list.iter().map(Self::index).collect(),
            _ => None,
        }
    }

    pub(super) fn index(&self) -> Option<usize> {
        match self {
            Self::Integer(integer) => usize::try_from(*integer).ok(),
            _ => None,
        }
    }
}

/// Things with a comma between each two.
pub(super) fn listed<T: fmt::Display>(f: &mut fmt::Formatter<'_>, things: impl IntoIterator<Item = T>) -> fmt::Result {
    for (place, thing) in things.into_iter().enumerate() {
        write!(f, "{}{thing}", if place == 0 { "" } else { ", " })?;
    }
    Ok(())
}
