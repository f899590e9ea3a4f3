#!/usr/bin/env python3
"""Writes table.rs beside this file: the location codes that CDNs use, with city, country and coordinates.

    pip install airportsdata==20260905
    src/domain/pop/make_table.py

Most codes are IATA codes of an airport nearby; their rows come from airportsdata (MIT; see THIRD_PARTY.md). The rest
(codes of cities, and codes that CDNs made up or that the data set lacks) stand in OWN.
"""
import pathlib
import airportsdata

CODES = """
AAE ABJ ABQ ACC ACX ADB ADD ADL AGR AKL AKX ALA ALB ALG AMD AMM AMS ANC ARI ARN ARU ASK ASU ATH ATL AUH AUS
BAH BAQ BBI BCN BDL BEG BEL BER BEY BGI BGR BGW BHD BHM BHX BHY BKK BLQ BLR BNA BNE BNU BOD BOG BOM BOS BRE BRU BSB
BSR BTS BUD BUF BUR BWN BWI BZE
CAI CAN CAW CBR CCP CCU CDG CEB CFC CFG CGB CGD CGK CGN CGO CGQ CGP CGY CHC CKG CLE CLJ CLO CLT CMB CMH CMN CNF CNN
CNX COK COR CPH CPT CRK CSX CTA CTU CUR CVG CWB CZL CZX
DAC DAD DAR DEL DEN DFW DKR DLA DLC DME DMM DOH DPS DTW DUB DUR DUS DXB
EBB EBL EDI EVN EWR EZE
FCO FIH FLL FLN FOC FOR FRA FRU FSD FUK FUO
GBE GDL GEO GIG GND GOT GRU GSO GUA GUM GVA GYD GYE GYN
HAK HAM HAN HBA HEL HET HFA HFE HGH HKG HKT HNL HNY HRE HYD HYN
IAD IAH ICN IMP IND ISB IST ISU ITJ IXC
JAX JDO JED JFK JHB JIB JNB JOG JOI JRG JSR JXG
KBP KCH KEF KGL KHH KHI KHN KHV KIN KIV KIX KJA KLD KMG KNU KTM KUL KUN KWE KWI
LAD LAS LAX LCA LED LGA LGW LHE LHR LHW LIM LIS LJU LLA LLK LLW LOS LPB LUN LUX LXA LYS
MAA MAD MAN MAO MBA MCI MCT MDE MDL MDW MEL MEM MEX MFE MFM MGM MIA MLE MLG MNL MPM MRS MRU MSP MSQ MSY MUC MXP
NAG NBO NJF NNG NOU NQN NQZ NRT NVT
OKA OKC OMA ONT OPO ORD ORF ORK ORN ORY OSL OTP OUA OVB
PAP PAT PBH PBM PDX PER PHL PHX PIT PKX PMO PMW PNH PNQ POA POS POZ PPT PRG PTY PVG PWM
QRO
RAO RDU REC RGN RIC RIX RUH RUN
SAN SAP SAT SCL SDQ SEA SFO SGN SHA SHE SHJ SIN SJC SJK SJO SJP SJU SJW SKG SKP SLC SMF SOD SOF SSA STL STR STV SUV SVO SVX SYD SYR
SZX
TAO TBS TEN TGU TIA TLH TLL TLV TNA TNR TPA TPE TRD TSN TUN TXL TYN
UDI UIO ULN URT
VCP VIE VIX VNO VNS VTE
WAW WDH WHU WLG WRO WUH WUX
XAP XFN XIY XMN XNH XNN
YHZ YOW YUL YVR YWG YXE YXU YYC YYT YYZ YQM YQR YYJ
ZAG ZDM ZGN ZRH
"""

# Names as operators know them, where the data set names a suburb or writes them otherwise.
CITIES = {
    "IAD": "Ashburn", "FRA": "Frankfurt", "GRU": "São Paulo", "NRT": "Tokyo", "EWR": "Newark", "DFW": "Dallas",
    "CDG": "Paris", "ORY": "Paris", "KIX": "Osaka", "ICN": "Seoul", "MXP": "Milan", "EZE": "Buenos Aires",
    "ARN": "Stockholm", "DEL": "New Delhi", "BOM": "Mumbai", "JNB": "Johannesburg", "BOG": "Bogotá",
    "CGK": "Jakarta", "CVG": "Cincinnati", "MEX": "Mexico City", "OTP": "Bucharest", "BKK": "Bangkok",
    "MAA": "Chennai", "DME": "Moscow", "SVO": "Moscow", "FCO": "Rome", "KUL": "Kuala Lumpur", "TLV": "Tel Aviv",
    "YUL": "Montreal", "ZRH": "Zurich", "OSL": "Oslo", "CPH": "Copenhagen", "HEL": "Helsinki", "TPE": "Taipei",
    "CNF": "Belo Horizonte", "GIG": "Rio de Janeiro", "BCN": "Barcelona", "LGW": "London", "LHR": "London",
    "MAN": "Manchester", "JFK": "New York", "LGA": "New York", "SJC": "San Jose", "HND": "Tokyo", "PVG": "Shanghai",
    "SHA": "Shanghai", "PKX": "Beijing", "YYZ": "Toronto", "YVR": "Vancouver", "SFO": "San Francisco",
    "ORD": "Chicago", "MDW": "Chicago", "LAX": "Los Angeles", "DXB": "Dubai", "AMS": "Amsterdam", "BRU": "Brussels",
    "SYD": "Sydney", "SIN": "Singapore", "HKG": "Hong Kong", "BWI": "Baltimore", "MNL": "Manila", "VCP": "Campinas",
    "SCL": "Santiago", "PRG": "Prague", "WAW": "Warsaw", "LIS": "Lisbon", "ATH": "Athens", "VIE": "Vienna",
    "IST": "Istanbul", "ADB": "Izmir", "KBP": "Kyiv", "MUC": "Munich", "CGN": "Cologne", "MSP": "Minneapolis",
    "LIM": "Lima", "LOS": "Lagos", "CAI": "Cairo", "DUB": "Dublin", "MAD": "Madrid", "PER": "Perth",
    "DEN": "Denver", "BOS": "Boston", "NBO": "Nairobi", "CPT": "Cape Town", "AKL": "Auckland", "MEL": "Melbourne",
    "AAE": "Annaba", "AGR": "Agra", "AKX": "Aktobe", "BDL": "Hartford", "BEG": "Belgrade", "BLR": "Bengaluru",
    "BOD": "Bordeaux", "BSR": "Basra", "CEB": "Cebu", "CGY": "Cagayan de Oro", "CNN": "Kannur", "COK": "Kochi",
    "DPS": "Denpasar", "DMM": "Dammam", "DUS": "Düsseldorf", "EBL": "Erbil", "FLN": "Florianópolis", "GUM": "Guam",
    "HYN": "Taizhou", "JHB": "Johor Bahru", "JOG": "Yogyakarta", "JRG": "Jharsuguda", "JSR": "Jessore",
    "KHH": "Kaohsiung", "LPB": "La Paz", "MDE": "Medellín", "MFE": "McAllen", "MFM": "Macau", "MLG": "Malang",
    "NAG": "Nagpur", "PBM": "Paramaribo", "PTY": "Panama City", "RDU": "Raleigh", "SAP": "San Pedro Sula",
    "STL": "St. Louis", "STV": "Surat", "SUV": "Suva", "TEN": "Tongren", "ULN": "Ulaanbaatar", "XFN": "Xiangyang",
    "XIY": "Xi'an", "YYT": "St. John's", "ASU": "Asunción", "BSB": "Brasília", "GYN": "Goiânia", "LLA": "Luleå",
    "NOU": "Nouméa", "QRO": "Querétaro", "RUN": "Saint-Denis", "BEL": "Belém", "CCP": "Concepción", "COR": "Córdoba",
    "CGB": "Cuiabá", "KLD": "Tver", "UDI": "Uberlândia", "VIX": "Vitória", "XAP": "Chapecó", "NQN": "Neuquén",
    "RAO": "Ribeirão Preto", "SJK": "São José dos Campos", "SJP": "São José do Rio Preto", "CAW": "Campos",
    "SEA": "Seattle", "MIA": "Miami", "ATL": "Atlanta", "PHX": "Phoenix",
}

# city codes, and codes of no airport in the data set: code, city, country, latitude, longitude in hundredths of a degree
OWN = [
    ("BJS", "Beijing", "CN", 3991, 11640), ("BUE", "Buenos Aires", "AR", -3461, -5838),
    ("BUH", "Bucharest", "RO", 4443, 2610), ("CHI", "Chicago", "US", 4188, -8763), ("JRS", "Jerusalem", "IL", 3177, 3521),
    ("LON", "London", "GB", 5151, -13), ("MIL", "Milan", "IT", 4546, 919), ("MOW", "Moscow", "RU", 5576, 3762),
    ("NYC", "New York", "US", 4071, -7401), ("OSA", "Osaka", "JP", 3469, 13550), ("PAR", "Paris", "FR", 4886, 235),
    ("PNH", "Phnom Penh", "KH", 1156, 10493), ("QFX", "Foster City", "US", 3756, -12227),
    ("QWJ", "Americana", "BR", -2274, -4733), ("RIO", "Rio de Janeiro", "BR", -2291, -4317),
    ("ROM", "Rome", "IT", 4190, 1250), ("SAO", "São Paulo", "BR", -2355, -4663), ("SEL", "Seoul", "KR", 3757, 12698),
    ("STO", "Stockholm", "SE", 5933, 1807), ("TYO", "Tokyo", "JP", 3568, 13969), ("WAS", "Washington", "US", 3891, -7704),
    ("FRU", "Bishkek", "KG", 4287, 7457), ("ITJ", "Itajaí", "BR", -2691, -4866), ("JXG", "Jiaxing", "CN", 3075, 12076),
    ("KIV", "Chișinău", "MD", 4701, 2886), ("XNH", "Nasiriyah", "IQ", 3104, 4626), ("ZGN", "Zhongshan", "CN", 2252, 11339),
    ("YMQ", "Montreal", "CA", 4550, -7357), ("YTO", "Toronto", "CA", 4365, -7938), ("ZDM", "Ramallah", "PS", 3190, 3520),
]


def main():
    airports = airportsdata.load("IATA")
    rows = {code: (city, country, lat, lon) for code, city, country, lat, lon in OWN}
    lacking = []
    for code in CODES.split():
        airport = airports.get(code)
        if code in rows:
            continue
        if airport is None:
            lacking.append(code)
            continue
        city = CITIES.get(code, airport["city"])
        assert city, code
        rows[code] = (city, airport["country"], round(airport["lat"] * 100), round(airport["lon"] * 100))
    if lacking:
        raise SystemExit(f"no airport for {' '.join(lacking)}")
    lines = [
        "//! Written by `make_table.py`; do not edit. From airportsdata 20260905 (MIT, see THIRD_PARTY.md).",
        "",
        "use super::Row;",
        "",
        "/// Sorted by code; latitude and longitude in hundredths of a degree.",
        "#[rustfmt::skip]",
        "pub const ROWS: &[Row] = &[",
    ]
    for code, (city, country, lat, lon) in sorted(rows.items()):
        lines.append(f'    ("{code}", "{city}", "{country}", {lat}, {lon}),')
    lines += ["];", ""]
    table = pathlib.Path(__file__).with_name("table.rs")
    table.write_text("\n".join(lines), encoding="utf-8")
    print(f"{len(rows)} rows")


main()
