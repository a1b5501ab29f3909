"""What people have sent in to be measured, and what becomes of it."""

from enum import Enum
from typing import NamedTuple


class Fate(Enum):
    """The samples are on their way or are here; the request is off; or it is in a run, that was,
    that is today's, that comes, or that comes beside that one on the second seat."""

    ON_ITS_WAY = 1
    HERE = 2
    DECLINED = 3
    WITHDRAWN = 4
    PAST = 5
    TODAY = 6
    COMING = 7
    BESIDE = 8


class Errand(NamedTuple):
    """Asked for `days_ago`; the first of the samples is dangerous as `hazards` says."""

    instrument: str
    fate: Fate
    days_ago: int
    account: str
    project: str
    purpose: str
    names: tuple[str, ...]
    hazards: str = ""
    reason: str = ""


SZ = ("researcher.suzhou", "SZ-001")
SH = ("researcher.shanghai", "SH-001")
WJ = ("researcher.wujiang", "WJ-001")
FD = ("researcher.fudan", "FDU-001")
SU = ("student.soochow", "SUDA-001")
IRRITANT = "刺激性粉末，称量须在通风橱内"
FLAMMABLE = "含易燃溶剂"

# By instrument. Who pays is an enterprise now and then, and nobody has a voucher for it.
ERRANDS = (
    Errand("FDU-002", Fate.ON_ITS_WAY, 1, *SH, "血浆蛋白质组", ("P-01", "P-02")),
    Errand("FDU-002", Fate.HERE, 4, *FD, "催化剂表面吸附蛋白", ("CAT-1", "CAT-2"), IRRITANT),
    Errand("FDU-002", Fate.DECLINED, 20, *WJ, "聚合物添加剂", ("AD-7",), "", "样品不溶于常用溶剂"),
    Errand("FDU-002", Fate.WITHDRAWN, 16, *SZ, "粘结剂组成", ("B-1",), "", "改用红外测定"),
    Errand("FDU-002", Fate.PAST, 35, *SH, "细胞裂解液定量", ("L-1", "L-2", "L-3")),
    Errand("FDU-002", Fate.PAST, 34, *FD, "磷酸化位点", ("PH-1", "PH-2")),
    Errand(
        "FDU-002", Fate.TODAY, 7, *SH, "外泌体蛋白", ("E-1", "E-2", "E-3", "E-4", "E-5"), FLAMMABLE
    ),
    Errand("FDU-002", Fate.TODAY, 7, *FD, "标准品校准", ("STD-1",)),
    Errand("FDU-002", Fate.COMING, 8, *SH, "单抗宿主蛋白残留", ("HCP-1", "HCP-2")),
    Errand("FDU-002", Fate.COMING, 7, *FD, "交联质谱", ("XL-1",), FLAMMABLE),
    Errand("SUDA-004", Fate.HERE, 4, *FD, "新配合物结构", ("Cu-MOF-1", "Cu-MOF-2"), IRRITANT),
    Errand("SUDA-004", Fate.WITHDRAWN, 16, *SZ, "析出相结构", ("IN718-γ",), "", "改用粉末样品"),
    Errand("SUDA-004", Fate.COMING, 8, *SZ, "合金单晶取向", ("CMSX-4-a", "CMSX-4-b")),
    Errand("SUDA-004", Fate.COMING, 7, *SU, "层状氧化物结构", ("LNO-11",)),
    Errand("SUDA-005", Fate.ON_ITS_WAY, 1, *SH, "单抗肽图", ("mAb-01", "mAb-02")),
    Errand(
        "SUDA-005",
        Fate.DECLINED,
        20,
        *WJ,
        "含氟聚合物分子量",
        ("PF-7",),
        "",
        "样品不易电离，建议改用凝胶色谱",
    ),
    Errand("SUDA-005", Fate.PAST, 35, *SH, "蛋白完整分子量", ("Fab-1", "Fab-2", "Fab-3")),
    Errand("SUDA-005", Fate.PAST, 34, *SZ, "粘结剂组成", ("B-3", "B-4")),
    Errand("SUDA-005", Fate.TODAY, 7, *SZ, "粘结剂批次复测", ("B-5", "B-6"), FLAMMABLE),
    Errand("SUDA-005", Fate.COMING, 8, *SH, "糖型分布", ("G-1", "G-2")),
    Errand("SUDA-005", Fate.BESIDE, 8, *SZ, "低聚物分布", ("OL-1", "OL-2")),
    Errand("NANOX-001", Fate.ON_ITS_WAY, 2, *WJ, "透明导电膜深度成分", ("ITO-1", "ITO-2")),
    Errand("NANOX-001", Fate.DECLINED, 20, *SZ, "合金断口偏析", ("F-3",), "", "样品含油，请先清洗"),
    Errand(
        "NANOX-001", Fate.WITHDRAWN, 16, *FD, "催化剂表面毒化", ("K-2",), "", "已由其他方法测得"
    ),
    Errand("NANOX-001", Fate.PAST, 35, *WJ, "光电薄膜元素价态", ("PV-1", "PV-2")),
    Errand("NANOX-001", Fate.PAST, 34, *SZ, "涂层界面", ("C-1",), IRRITANT),
    Errand("NANOX-001", Fate.TODAY, 7, *WJ, "钙钛矿铅迁移", ("PK-1", "PK-2", "PK-3"), "含铅"),
    Errand("NANOX-001", Fate.COMING, 8, *WJ, "封装层氧化态", ("EN-1", "EN-2")),
    Errand("NANOX-001", Fate.COMING, 7, *SZ, "涂层批次复测", ("C-2",)),
)
