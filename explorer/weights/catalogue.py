"""Published checkpoints that can be imported: where they are had, under which licence, and how their tensors are named.

None of them is part of this project. Users get the files from their authors' own pages.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from explorer.models import architecture
from explorer.weights import keymaps
from explorer.weights.config import InputConvention
from explorer.weights.keymaps import Layout


@dataclass(frozen=True)
class PublishedFile:
    """One file of a published checkpoint."""

    name: str
    """As its authors call it."""
    sha256: str | None
    """Hex digest, None where no file is published and only the layout is known."""
    layout: Layout = field(repr=False)
    role: str = "network"
    """"network", or "decom" and "relight" where the two halves of a RetinexNet come apart."""
    used: bool = True
    """False for a file whose tensors are checked and then ignored on purpose; it may be left out."""
    url: str = ""
    """Where its authors give it, the file itself; empty where none is published."""
    size: int = 0
    """Bytes; 0 where none is published."""


@dataclass(frozen=True)
class PublishedCheckpoint:
    """What is known of a published checkpoint before it is opened."""

    name: str
    files: tuple[PublishedFile, ...]
    architecture: str
    origin: str
    """The page that the files are had from; empty where none is published."""
    licence: str
    redistributable: bool
    """Whether the licence lets anybody pass the file on, for any purpose."""
    summary: str
    options: dict[str, str | int | float | bool] = field(default_factory=dict)
    input: InputConvention = InputConvention(clip=(0.0, 1.0), ratio_rule="none")

    @property
    def paper(self) -> str:
        """Authors, title, venue, year."""
        return architecture(self.architecture).paper


_MOSAIC = InputConvention(white_balance="none", clip=None, ratio_rule="dark_bin")
_LAMBA_PAGE = "https://github.com/MohitLamba94/Restoring-Extremely-Dark-Images-In-Real-Time"
_VARIANTS_PAGE = "https://github.com/DaniFojo/2022-image-enhancing-project/tree/main/checkpoints"
_SCI_PAGE = "https://github.com/vis-opt-group/SCI/tree/main/weights"
_RAW = "https://raw.githubusercontent.com"
_VARIANTS = f"{_RAW}/DaniFojo/2022-image-enhancing-project/ab984297c490902b4aae7f407ae1a4ae90888933/checkpoints"
_PORT = f"{_RAW}/aasharma90/RetinexNet_PyTorch/d03dabc249166db4896c54aa2ea906f862959a8e/ckpts"
_NO_LICENCE = "none stated"
_UNPUBLISHED = "that of the file; no checkpoint is published"


def _variant(
    name: str, stem: str, digests: tuple[str, str], summary: str, variant: str = "resize", relight: bool = True
) -> PublishedCheckpoint:
    folder = f"{_VARIANTS}/{'split' if 'split' in stem else 'join'}"
    # Files of one kind differ in size by the tensors' names alone.
    sizes = (2277095, 2858243) if "split" in stem else (2277159, 2471003)
    return PublishedCheckpoint(
        name=name,
        files=(
            PublishedFile(
                f"{stem}_decom.pt",
                digests[0],
                keymaps.RETINEXNET_DECOM,
                "decom",
                url=f"{folder}/{stem}_decom.pt",
                size=sizes[0],
            ),
            PublishedFile(
                f"{stem}_relight.pt",
                digests[1],
                keymaps.RETINEXNET_RELIGHT,
                "relight",
                used=relight,
                url=f"{folder}/{stem}_relight.pt",
                size=sizes[1],
            ),
        ),
        architecture="retinexnet",
        options={"variant": variant, "relight": relight},
        origin=_VARIANTS_PAGE,
        licence=_NO_LICENCE,
        redistributable=False,
        summary=summary,
    )


def _sci(grade: str, digest: str) -> PublishedCheckpoint:
    return PublishedCheckpoint(
        name=f"sci_{grade}",
        files=(
            PublishedFile(
                f"{grade}.pt",
                digest,
                keymaps.SCI,
                url=f"{_RAW}/vis-opt-group/SCI/HEAD/weights/{grade}.pt",
                size=43967,
            ),
        ),
        architecture="sci",
        origin=_SCI_PAGE,
        licence="MIT",
        redistributable=True,
        summary=f"SCI as published, trained for {grade} pictures.",
    )


def _layout_only(
    name: str, arch: str, layout: Layout, convention: InputConvention, summary: str
) -> PublishedCheckpoint:
    return PublishedCheckpoint(
        name=name,
        files=(PublishedFile("a state dict of this layout", None, layout),),
        architecture=arch,
        origin="",
        licence=_UNPUBLISHED,
        redistributable=False,
        summary=summary,
        input=convention,
    )


_ENTRIES = (
    PublishedCheckpoint(
        name="lamba_m0",
        files=(
            PublishedFile(
                "weights",
                "e7a4f76cf12b9f69ae35b2c2bab3356a36669660ab3128a0e65d6f4c82517163",
                keymaps.LAMBA_M0,
                url=f"{_RAW}/MohitLamba94/Restoring-Extremely-Dark-Images-In-Real-Time/HEAD/demo_imgs/weights",
                size=3153787,
            ),
        ),
        architecture="lamba_m0",
        origin=f"{_LAMBA_PAGE}/tree/main/demo_imgs",
        licence="non-commercial, patent pending",
        redistributable=False,
        summary="Lamba & Mitra's network as published.",
        input=_MOSAIC,
    ),
    PublishedCheckpoint(
        name="retinexnet_port",
        files=(
            PublishedFile(
                "decom_9200.tar",
                "40c090e3bb884e697f6b396fe7fddade67172b30b428daa316c68a0b9247d4b5",
                keymaps.RETINEXNET_PORT_DECOM,
                "decom",
                url=f"{_PORT}/Decom/9200.tar",
                size=833535,
            ),
            PublishedFile(
                "relight_9200.tar",
                "513ae3a0bf503b9a6ecce1a46112135aefcfeb393cf61531e18cc3356701efde",
                keymaps.RETINEXNET_PORT_RELIGHT,
                "relight",
                url=f"{_PORT}/Relight/9200.tar",
                size=1392856,
            ),
        ),
        architecture="retinexnet",
        options={"variant": "port", "relight": True},
        origin="https://github.com/aasharma90/RetinexNet_PyTorch",
        licence=_NO_LICENCE,
        redistributable=False,
        summary="RetinexNet's published PyTorch port.",
    ),
    _variant(
        "retinexnet_split_resize",
        "2022_04_14_17_50_55_model_split",
        (
            "c18f018a06342ca81675917952ad16a26029c260767a28053c2910047b05529d",
            "a163d18f83b52586b232220b07df33bf544c26a2c40a676cab2815c1bd7779cb",
        ),
        "RetinexNet with the Decom-Net trained first, then the Relight-Net.",
    ),
    _variant(
        "retinexnet_split_transpose",
        "2022_04_15_18_47_52_model_split_conv_trans",
        (
            "03a9aa01c7737b03a635d0c069f09fb209d909875ca4029b32c8b2fa513d800e",
            "a92b5d6c612ca01b63d331a4ffda17887175035f52ecb636762f3b913d139dd1",
        ),
        "RetinexNet trained in two steps, with transposed convolutions.",
        variant="transpose",
    ),
    _variant(
        "retinexnet_joint",
        "2022_04_13_17_46_58_model_join",
        (
            "948a866e37a10d8473b0cb23566d592a74a966e0a2ff9c2db2d0c52f432183d4",
            "804510616b53bbc0fc30791dda1c6b37f5c233040c40732e00a05f7188d9640b",
        ),
        "RetinexNet with both networks trained at once; its enhanced illumination collapsed, so the image is black.",
    ),
    _variant(
        "retinexnet_joint_decom_only",
        "2022_04_14_05_48_14_model_join_enh1",
        (
            "c5119f0abed5bec4765e37e48039eb55efdd125bd9ed7408626b47853ecded37",
            "460efb090ef618fcd3f8cfddcc94dac4061359f438f1970d8e58f3b5e6f5ef0c",
        ),
        "RetinexNet whose image is the reflectance: trained with an enhanced illumination of 1.",
        relight=False,
    ),
    PublishedCheckpoint(
        name="zero_dce",
        files=(
            PublishedFile(
                "Epoch99.pth",
                "a4395acb874f320375d9704997cef874eaaaaa26a1777ceb29a92b70f74c3612",
                keymaps.ZERO_DCE,
                url=f"{_RAW}/Li-Chongyi/Zero-DCE/43f9da935d55758d93b54a47ce5872c96b342668/Zero-DCE_code/snapshots/Epoch99.pth",
                size=320017,
            ),
        ),
        architecture="zero_dce",
        origin="https://github.com/Li-Chongyi/Zero-DCE/tree/master/Zero-DCE_code/snapshots",
        licence="CC BY-NC 4.0",
        redistributable=False,
        summary="Zero-DCE as published.",
    ),
    _sci("easy", "b17326a26a93bf187ecbab217f9d3c57467a8b56020d4d9ff600ba257bbffb36"),
    _sci("medium", "4ff1e7e66e8f18114f790e5085ca4c936f0858e329e7ad1cb65b8aa09a9c6916"),
    _sci("difficult", "657fa1f280cae1035df0d5cbe628e91f2d0f28660df608a3fa3f7e9a71da5a13"),
    _layout_only(
        "sid_unet",
        "sid_unet",
        keymaps.SID_UNET,
        InputConvention(white_balance="none", clip=(0.0, 1.0), ratio_rule="dark_bin", plane_order="sid"),
        "A SID U-Net under the names that PyTorch ports give its tensors, planes in the order R, G(r), B, G(b).",
    ),
    _layout_only(
        "sid_unet_s2d",
        "sid_unet",
        keymaps.SID_UNET,
        InputConvention(white_balance="none", clip=(0.0, 1.0), ratio_rule="dark_bin", plane_order="s2d"),
        "A SID U-Net under the names that PyTorch ports give its tensors, planes in the order R, G(r), G(b), B.",
    ),
    _layout_only("m1", "lamba_m1", keymaps.LAMBA_M1, _MOSAIC, "Lamba & Mitra's network in the modification M1."),
    _layout_only("m2", "lamba_m2", keymaps.LAMBA_M2, _MOSAIC, "Lamba & Mitra's network in the modification M2."),
)

CATALOGUE: dict[str, PublishedCheckpoint] = {entry.name: entry for entry in _ENTRIES}
"""Every published checkpoint that can be imported, by name."""
