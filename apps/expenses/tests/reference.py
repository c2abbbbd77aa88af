"""Reads a spending file the slow and obvious way, as a ground truth for `src/import`.

    python3 reference.py FILE.csv.gz

It shares nothing with the importer: Python's csv, codecs, datetime and decimal do the work. It
prints, per record and in order, `imported`, `skipped` or `rejected`, the line on which the record
begins and, if imported, its date, its amount in pence and its four texts, separated by tabs.

Python's csv is more lenient than the importer about a quote inside an unquoted field, so this is no
reference for files with broken quoting.
"""

import csv
import datetime
import decimal
import gzip
import re
import sys

COLUMNS = [
    "Payment Date",
    "Amount",
    "Organisational Unit",
    "Beneficiary Name",
    "Company Number",
    "Charity Number",
]

# Unicode's White_Space, and the zero width no-break space. `str.strip()` removes other characters.
WHITE_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
NUMBER = r"(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.[0-9]{1,2})?"
AMOUNT = re.compile(rf"(-?)({NUMBER})|(\()({NUMBER})\)")


def lines(path):
    with gzip.open(path) as file:
        for number, line in enumerate(file):
            if number == 0:
                line = line.removeprefix(b"\xef\xbb\xbf")
            try:
                yield line.decode("utf-8")
            except UnicodeDecodeError:
                yield line.decode("cp1252", errors="replace")


def records(path):
    """Yields the line of each record and its trimmed fields, or None if its quoting is broken."""
    reader = csv.reader(lines(path), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            fields = [field.strip(WHITE_SPACE) for field in next(reader)]
        except StopIteration:
            return
        except csv.Error:
            fields = None
        if fields != []:
            yield line, fields


def pence(text):
    match = AMOUNT.fullmatch(text)
    if match is None:
        raise ValueError(text)
    sign = -1 if match[1] or match[3] else 1
    number = decimal.Decimal((match[2] or match[4]).replace(",", ""))
    return sign * int(number * 100)


def date(text):
    if DATE.fullmatch(text) is None:
        raise ValueError(text)
    return datetime.date.fromisoformat(text)


def verdict(line, fields):
    if fields is None or "\0" in "".join(fields):
        return ["rejected", line]
    if not any(fields):
        return ["skipped", line]
    try:
        day, amount, *texts = fields
        if len(texts) != 4:
            raise ValueError(fields)
        return ["imported", line, date(day), pence(amount), *texts]
    except ValueError:
        return ["rejected", line]


def escaped(value):
    text = str(value).replace("\\", "\\\\")
    return text.replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def main(path):
    rest = records(path)
    _, header = next(rest)
    assert header == COLUMNS, header
    for line, fields in rest:
        row = "\t".join(map(escaped, verdict(line, fields))) + "\n"
        sys.stdout.buffer.write(row.encode("utf-8"))


if __name__ == "__main__":
    csv.field_size_limit(1 << 20)
    main(sys.argv[1])
