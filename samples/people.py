"""Invented people for the sample day. Names are put together by chance; nobody here exists."""

from __future__ import annotations

import random
from datetime import date, timedelta

SURNAMES = [
    "Quispe",
    "Mamani",
    "Condori",
    "Flores",
    "Choque",
    "Rojas",
    "Vargas",
    "Gutiérrez",
    "Fernández",
    "Cruz",
    "Huanca",
    "López",
    "Ibáñez",
    "Núñez",
    "Peña",
    "Zárate",
    "Céspedes",
    "Yapura",
    "Arancibia",
    "Barrientos",
    "Cárdenas",
    "Poquechoque",
]
WOMEN = [
    "Julia",
    "María Elena",
    "Rosa",
    "Lucía",
    "Ana Belén",
    "Carmen Rosa",
    "Wara",
    "Inés",
    "Sofía",
    "Beatriz",
    "Nayra",
    "Gabriela",
]
MEN = [
    "José Luis",
    "Juan Carlos",
    "Marcelo",
    "Edwin",
    "Raúl",
    "Óscar",
    "Inti",
    "Hernán",
    "Álvaro",
    "Wilfredo",
    "Andrés",
    "Simón",
]
PLACES = (
    "Chuquisaca – Oropeza – Sucre",
    "Chuquisaca – Nor Cinti – Camargo",
    "Potosí – Tomás Frías – Potosí",
    "Chuquisaca – Hernando Siles – Monteagudo",
    "La Paz – Murillo – La Paz",
)
STREETS = ("C. Ayacucho", "Av. Jaime Mendoza", "C. Calvo", "C. Dalence", "Av. Las Américas")
WORKS = {
    "F": ("Comerciante", "Agricultora", "Estudiante", "Profesora", "Enfermera", "Chofer"),
    "M": ("Comerciante", "Agricultor", "Estudiante", "Albañil", "Profesor", "Enfermero", "Chofer"),
}
ABROAD = {
    "PER": "Perú – Puno", "BRA": "Brasil – Corumbá", "ARG": "Argentina – Salta",
    "CHL": "Chile – Iquique", "COL": "Colombia – Cali", "VEN": "Venezuela – Mérida",
    "JPN": "Japón – Osaka", "DEU": "Alemania – Bonn", "FRA": "Francia – Lyon",
}  # fmt: skip
STATES = {"F": ("Soltera", "Casada", "Viuda"), "M": ("Soltero", "Casado", "Divorciado")}
GROUPS = ("O+", "O+", "O+", "A+", "B+", "O-", "A-")

Person = dict[str, str]


class People:
    """Hands out people, each with a number that no other has."""

    def __init__(self, dice: random.Random, today: date) -> None:
        self._dice = dice
        self._today = today
        self._number = 7_100_000

    def person(self, **given: str) -> Person:
        """A grown person; ``given`` outweighs chance, an empty text leaves a field out."""
        dice = self._dice
        self._number += dice.randrange(11, 97)
        sex = given.get("sex") or dice.choice("FM")
        born = self._today - timedelta(days=dice.randrange(19 * 365, 62 * 365))
        person = {
            "person_id": str(self._number),
            "surname1": dice.choice(SURNAMES),
            "surname2": dice.choice(SURNAMES),
            "given_names": dice.choice(WOMEN if sex == "F" else MEN),
            "birth_date": born.isoformat(),
            "birth_place": dice.choice(PLACES),
            "sex": sex,
            "nationality": "BOL",
            "residence": f"{dice.choice(STREETS)} Nº {dice.randrange(10, 900)}, Sucre",
            "occupation": dice.choice(WORKS.get(sex, WORKS["M"])),
            "civil_status": dice.choice(STATES[sex]),
            "blood_group": dice.choice(GROUPS),
        }
        return {key: value for key, value in (person | given).items() if value}

    def aged(self, years: int, **given: str) -> Person:
        """A person whose last birthday lies some months back."""
        born = self._today.replace(year=self._today.year - years) - timedelta(days=100)
        return self.person(birth_date=born.isoformat(), **given)

    def foreigner(self, nationality: str, **given: str) -> Person:
        """A foreigner, whose number begins with E-."""
        place = ABROAD.get(nationality, nationality)
        person = self.person(**{"nationality": nationality, "birth_place": place, **given})
        return person | {"person_id": "E-" + person["person_id"]}
