"""Tenants and people of the sandbox. Synthetic; the clinicians are named after HL7's example Practitioners.

| tenant | at | starts |
|---|---|---|
| Contoso Health | US, NA | consented, application access policy granted |
| Northwind Care | US, NA | the same: the second tenant of its geography |
| Fabrikam Klinik | DE, EU | knows no application, as a new customer |
| Tailspin Clinic | SG, AS | knows no application |
"""

from mock_microsoft.directory import AccountKind, Directory, DirectoryRole, Person, Tenant

CONTOSO = Tenant(
    id="c0a70500-0000-4000-8000-00000000c0de",
    name="Contoso Health",
    domain="contoso-health.example",
    region_scope="NA",
    country="US",
)
FABRIKAM = Tenant(
    id="fab71ca0-0000-4000-8000-00000000c0de",
    name="Fabrikam Klinik",
    domain="fabrikam-klinik.example",
    region_scope="EU",
    country="DE",
)
NORTHWIND = Tenant(
    id="0047a1d0-0000-4000-8000-00000000c0de",
    name="Northwind Care",
    domain="northwind-care.example",
    region_scope="NA",
    country="US",
)
TAILSPIN = Tenant(
    id="7a115b10-0000-4000-8000-00000000c0de",
    name="Tailspin Clinic",
    domain="tailspin-clinic.example",
    region_scope="AS",
    country="SG",
)
# Consented, and with the application access policy, from the start.
READY_TENANTS = (CONTOSO, NORTHWIND)

_CLINICIANS = (
    ("0004", "Adam Careful", "adam.careful", "Physician"),
    ("0005", "Eric van den Broek", "eric.vandenbroek", "Cardiologist"),
    ("0006", "Carla Espinosa", "carla.espinosa", "Physician"),
    ("0007", "Luigi Maas", "luigi.maas", "Physician"),
    ("0008", "Juri van Gelder", "juri.vangelder", "Physiotherapist"),
)
_ADMINISTRATOR = "Microsoft 365 administrator"


def _person(
    tenant: Tenant, number: str, name: str, local: str, title: str, *roles: DirectoryRole
) -> Person:
    """The object id begins as the tenant's id does, so that a reader of a log sees whose it is."""
    return Person(
        id=f"{tenant.id[:24]}00000000{number}",
        tenant=tenant,
        display_name=name,
        user_principal_name=f"{local}@{tenant.domain}",
        job_title=title,
        roles=roles,
    )


def _administrator(tenant: Tenant, name: str) -> Person:
    return _person(
        tenant, "0001", name, "admin", _ADMINISTRATOR, DirectoryRole.GLOBAL_ADMINISTRATOR
    )


def _contoso_people() -> tuple[Person, ...]:
    role = DirectoryRole
    return (
        _administrator(CONTOSO, "Morgan Reyes"),
        _person(
            CONTOSO,
            "0002",
            "Priya Raman",
            "teams.admin",
            "Teams administrator",
            role.TEAMS_ADMINISTRATOR,
        ),
        _person(CONTOSO, "0003", "Dana Whitfield", "analyst", "EHR analyst"),
        *(_person(CONTOSO, *clinician) for clinician in _CLINICIANS),
        Person(
            id=f"{CONTOSO.id[:24]}000000000009",
            tenant=CONTOSO,
            display_name="Sam Okafor (guest)",
            user_principal_name=f"sam.okafor_partner-clinic.example#EXT#@{CONTOSO.domain}",
            job_title="Visiting clinician",
            account_kind=AccountKind.GUEST,
            home_domain="partner-clinic.example",
        ),
        Person(
            id=f"{CONTOSO.id[:24]}000000000010",
            tenant=CONTOSO,
            display_name="Robin Former (disabled)",
            user_principal_name=f"robin.former@{CONTOSO.domain}",
            job_title="Former physician",
            enabled=False,
        ),
        _person(
            CONTOSO,
            "0011",
            "Noor Haddad",
            "visits.admin",
            "Virtual Visits administrator",
            role.VIRTUAL_VISITS_ADMINISTRATOR,
        ),
        _person(CONTOSO, "0012", "Ines Castro", "reader", "Compliance officer", role.GLOBAL_READER),
    )


def _other_people() -> tuple[Person, ...]:
    return (
        _administrator(FABRIKAM, "Greta Brandt"),
        _person(FABRIKAM, "0002", "Jonas Keller", "jonas.keller", "Physician"),
        _administrator(NORTHWIND, "Taylor Brooks"),
        _person(NORTHWIND, "0002", "Avery Lindqvist", "analyst", "EHR analyst"),
        _person(NORTHWIND, "0003", "Noa Feldman", "noa.feldman", "Physician"),
        _administrator(TAILSPIN, "Mei Lin Tan"),
        _person(TAILSPIN, "0002", "Arjun Pillai", "analyst", "EHR analyst"),
    )


def sandbox_directory() -> Directory:
    tenants = (CONTOSO, FABRIKAM, NORTHWIND, TAILSPIN)
    return Directory(tenants, (*_contoso_people(), *_other_people()))
