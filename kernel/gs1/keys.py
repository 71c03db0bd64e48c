"""Check digits and SSCCs, and how a broken rule of a GS1 code is told."""


class CodeRejected(ValueError):
    """A GS1 code breaks a rule. `field` is the part that does (an application identifier, `serial`, ...)."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}")
        self.field = field
        self.rule = rule


def check_digit(digits: str) -> int:
    """GS1 mod-10 check digit of `digits` (without one). GS1 General Specifications, section 7.9."""
    if not is_number(digits):
        raise ValueError("digits must be decimal digits")
    total = sum(int(digit) * (3 if index % 2 == 0 else 1) for index, digit in enumerate(reversed(digits)))
    return -total % 10


def is_number(text: str) -> bool:
    """True for one or more of the digits 0 to 9, and no others that Unicode knows."""
    return text.isascii() and text.isdecimal()


def has_right_check_digit(code: str) -> bool:
    """True for two digits or more of which the last is the check digit of those before it."""
    return len(code) > 1 and is_number(code) and check_digit(code[:-1]) == int(code[-1])


def is_valid_sscc(code: str) -> bool:
    """True for 18 digits with a right check digit."""
    return len(code) == 18 and has_right_check_digit(code)


def make_sscc(company_prefix: str, extension: int, serial: int) -> str:
    """An 18-digit SSCC from a company prefix of 6-12 digits, an extension digit and a serial number."""
    digits = 16 - len(company_prefix)
    if not 6 <= len(company_prefix) <= 12 or not is_number(company_prefix):
        raise ValueError("company_prefix must be 6 to 12 digits")
    if not 0 <= extension <= 9 or not 0 <= serial < 10**digits:
        raise ValueError(f"extension must be one digit and serial at most {digits} digits")
    body = f"{extension}{company_prefix}{serial:0{digits}d}"
    return f"{body}{check_digit(body)}"
