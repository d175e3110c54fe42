"""Two customer bases that overlap, with what is known to be true of them: who is who.

Nobody in it exists; addresses are of example domains, numbers of ranges that are kept free for fiction (030 23125).
All of it follows from a seed."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FIRST = _words(
    "Anna Ben Carla David Emma Finn Greta Hannes Ida Jonas Käthe Lukas Mia Noah Olga Paul Quirin Rosa "
    "Sofia Tim Ute Viktor Wanda Xaver Yara Zoe Jürgen Björn Søren Chloé Zoë Müge Ağnes José Łukasz Renée "
    "Ömer Þóra Ñusta Ýmir "
)
LAST = _words(
    "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch Bauer "
    "Richter Klein Wolf Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange Schmitt "
    "Werner Schmitz Krause Meier Lehmann Köhler Herrmann König Walter Mayer Huber Kaiser Fuchs Peters "
    "Lang Scholz Möller Weiß Jung Hahn Schubert Vogel Friedrich Keller Günther Frank Berger Winkler Roth "
    "Beck Lorenz Baumann Franke Albrecht Schuster Simon Ludwig Böhm Winter Kraus Martin Schumacher Krämer "
    "Vogt Stein Jäger Otto Sommer Groß Seidel Heinrich Brandt Haas Schreiber Graf Schulte Dietrich "
    "Ziegler Kuhn Kühn Pohl Engel Horn Busch Bergmann Thomas Voigt Sauer Arnold Wolff Pfeiffer "
)
UMLAUTS = {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "Ö": "Oe", "Ü": "Ue", "Ä": "Ae"}


@dataclass
class Profile:
    """One profile as it is typed into a system. `person`: who it is in truth."""

    person: int
    first_name: str
    last_name: str
    email: str = ""
    phone: str = ""
    number: str = ""
    loyalty_id: str = ""
    date_of_birth: str = ""
    street: str = ""
    city: str = ""
    postcode: str = ""


@dataclass
class Population:
    """Both bases. `why`: by person, what makes that person hard."""

    online: list[Profile] = field(default_factory=list)
    till: list[Profile] = field(default_factory=list)
    why: dict[int, str] = field(default_factory=dict)

    @property
    def pairs(self) -> set[tuple[int, int]]:
        """Positions (online, till) of profiles that are one person, as far as that person has one on each side."""
        online: dict[int, list[int]] = {}
        till: dict[int, list[int]] = {}
        for positions, side in ((online, self.online), (till, self.till)):
            for position, one in enumerate(side):
                positions.setdefault(one.person, []).append(position)
        return {
            (ours[0], theirs[0])
            for person, ours in online.items()
            if len(ours) == 1 and len(theirs := till.get(person, [])) == 1
        }


def make_population(size: int, overlap: float, seed: int) -> Population:
    """`size` profiles on each side, `overlap` of the people on both. Dirty: case, spaces, formats of numbers,
    spellings of names, missing addresses, double profiles, shared addresses and numbers."""
    chance = random.Random(seed)
    found = Population()
    shared = int(size * overlap)
    for person in range(shared):
        clean = _person(person, chance)
        found.online.append(clean)
        _arrive_at_the_till(found, clean, chance)
    for person in range(shared, size):
        found.online.append(_person(person, chance))
    person = size
    while len(found.till) < size:
        one = _person(person, chance)
        if chance.random() < 0.15:
            one.email = ""
        one.first_name, one.last_name = _typed(one.first_name, chance), _typed(one.last_name, chance)
        one.phone = _dialled(one.phone, chance)
        found.till.append(one)
        person += 1
    _families(found, shared, chance)
    chance.shuffle(found.till)
    return found


def _person(person: int, chance: random.Random) -> Profile:
    first, last = chance.choice(FIRST), chance.choice(LAST)
    plain = "".join(UMLAUTS.get(sign, sign) for sign in f"{first}.{last}").encode("ascii", "ignore").decode()
    return Profile(
        person=person,
        first_name=first,
        last_name=last,
        email=f"{plain.lower()}.{person}@{chance.choice(('example.com', 'example.org', 'example.net'))}",
        phone=f"+493023125{person:05d}" if chance.random() < 0.7 else "",
        number="",
        loyalty_id=f"K{person:07d}" if chance.random() < 0.2 else "",
        date_of_birth=f"{chance.randint(1940, 2005)}-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}"
        if chance.random() < 0.5
        else "",
        street=f"Musterweg {chance.randint(1, 200)}",
        city=chance.choice(("Berlin", "Hamburg", "München")),
        postcode=f"{chance.randint(10000, 99999)}",
    )


def _arrive_at_the_till(found: Population, clean: Profile, chance: random.Random) -> None:
    """The same person as a shop assistant typed it in."""
    copy = Profile(**vars(clean))
    copy.first_name, copy.last_name = _typed(clean.first_name, chance), _typed(clean.last_name, chance)
    copy.email = _mistyped(clean.email, chance)
    copy.phone = _dialled(clean.phone, chance)
    if chance.random() < 0.3:
        copy.loyalty_id = ""
    if chance.random() < 0.3:
        copy.date_of_birth = ""
    kind = chance.random()
    if kind < 0.08:
        copy.email = ""
        found.why[clean.person] = "no e-mail at the till"
    elif kind < 0.10:
        copy.email = copy.phone = copy.loyalty_id = ""
        found.why[clean.person] = "nothing but a name at the till"
    elif kind < 0.13:
        copy.last_name = chance.choice(LAST)
        found.why[clean.person] = "another family name at the till"
    found.till.append(copy)
    if 0.13 <= kind < 0.16:
        twin = Profile(**vars(copy))
        twin.email = clean.email.upper()
        found.why[clean.person] = "two profiles at the till"
        found.till.append(twin)


def _families(found: Population, shared: int, chance: random.Random) -> None:
    """Some who are only at the till share the number, or even the address, of somebody else there."""
    alone = [one for one in found.till if one.person >= shared]
    for one, other in zip(alone[0:200:2], alone[1:200:2], strict=False):
        one.phone = other.phone
        if chance.random() < 0.3 and other.email:
            one.email = other.email
            found.why[one.person] = found.why[other.person] = "a family with one address"


def _typed(name: str, chance: random.Random) -> str:
    changes: tuple[Callable[[str], str], ...] = (
        lambda text: text,
        lambda text: text,
        str.upper,
        str.lower,
        lambda text: f" {text} ",
        lambda text: "".join(UMLAUTS.get(sign, sign) for sign in text),
    )
    return chance.choice(changes)(name)


def _mistyped(email: str, chance: random.Random) -> str:
    return chance.choice((str, str, str.upper, str.title, lambda text: f"  {text} "))(email)


def _dialled(phone: str, chance: random.Random) -> str:
    if not phone:
        return ""
    rest = phone.removeprefix("+4930")
    return chance.choice(
        (
            phone,
            f"0049 30 {rest}",
            f"030/{rest}",
            f"(030) {rest[:4]} {rest[4:]}",
            f"+49 (0)30 {rest[:5]}-{rest[5:]}",
        )
    )
