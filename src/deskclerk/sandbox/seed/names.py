"""A hundred made-up people, and names as they stand in addresses."""

import unicodedata

NAMES: tuple[tuple[str, str], ...] = tuple(
    (line.partition(" ")[0], line.partition(" ")[2])
    for line in """\
Amara Okafor
Tobias Lindqvist
Priya Raghavan
Mateo Villalobos
Hana Kobayashi
Siobhán Gallagher
Kwame Boateng
Ingrid Halvorsen
Rashid Al-Farsi
Camille Durand
Zofia Wiśniewska
Jun-ho Baek
Leilani Kahale
Dmitri Volkov
Noor Siddiqui
Caleb Whitfield
Thandiwe Mokoena
Lorenzo Bianchi
Mei-Ling Chao
Arjun Deshpande
Freya Sørensen
Emeka Nwosu
Paloma Herrera
Yusuf Demir
Aaliyah Brooks
Henrik Nyström
Lucía Fuentes
Oluwaseun Adeyemi
Katarina Novak
Desmond Achebe
Sana Mirza
Elio Marchetti
Nguyen Thi Lan
Björn Eriksson
Fatou Diallo
Marek Dvořák
Isabela Teixeira
Tariq Haddad
Wren Calloway
Chidi Eze
Anneke de Vries
Ravi Subramanian
Beatriz Carvalho
Kofi Mensah
Astrid Bergström
Omar Benali
Josephine Tran
Samir Khoury
Niamh O'Sullivan
Takumi Fujimoto
Adaeze Obi
Luca Ferraro
Soledad Ibáñez
Viktor Petrov
Jamila Hassan
Rowan Ashworth
Min-seo Park
Gabriel Santoro
Ximena Robles
Elias Lindgren
Nadia Rahman
Pavel Horák
Esi Asante
Théo Lambert
Yara Mansour
Callum MacLeod
Sakura Ishikawa
Bogdan Ionescu
Ifeoma Uche
Diego Montoya
Linnea Dahl
Hamza Qureshi
Marisol Peña
Andrei Popescu
Zainab Yusuf
Felix Baumann
Kalinda Perera
Joaquín Salazar
Greta Zimmermann
Babak Rostami
Ngozi Ikande
Sven Aaltonen
Aria Kaplan
Tomás Quintero
Lerato Dlamini
Milo Jankowski
Anaïs Rousseau
Khalid Osman
Ruth Abernathy
Ji-woo Seo
Valentina Cruz
Ebele Okonkwo
Oskar Kowalczyk
Dalia Nasser
Finn Gallacher
Shreya Banerjee
Malik Ferguson
Pilar Domínguez
Aino Virtanen
Sol Castellanos
""".splitlines()
)
"""First and last names, in the order in which they signed up."""

# Letters that Unicode does not take apart into a plain one and an accent; and what is left out.
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ß": "ss", "æ": "ae", "'": "", " ": "", "-": ""})


def plain(name: str) -> str:
    """The name in the letters a to z."""
    folded = unicodedata.normalize("NFKD", name.lower().translate(_LETTERS))
    return "".join(letter for letter in folded if letter.isascii())
