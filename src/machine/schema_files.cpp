// Files, mounts, disks.
#include <array>

#include "machine/schema_parts.h"

namespace diatom::machine::schema {
namespace {

constexpr std::array<Names, 4> kFileKinds{"file", "directory", "symlink", "hardlink"};
constexpr Type kFileKind{.choices = kFileKinds};
constexpr std::array<Names, 2> kMoments{"boot", "late"};
constexpr Type kMoment{.choices = kMoments};
constexpr Type kSecretText{.secret = true};

constexpr std::array kFileKeys{
    Key{"kind", &kFileKind, "file, directory, symlink or hardlink (file)", Applies::live},
    Key{"content", &kSecretText, "the text of a file", Applies::live},
    Key{"content_base64", &kSecretText, "its bytes, in base64", Applies::live},
    Key{"source", &kUrlText, "where it is fetched from", Applies::live},
    Key{"digest", &kText, "what must be fetched: sha256:… or sha512:…", Applies::live},
    Key{"append", &kFlag, "add to what is there (no)", Applies::live},
    Key{"overwrite", &kFlag, "take the place of what is there (yes)", Applies::live},
    Key{"target", &kText, "where a link leads", Applies::live},
    Key{"mode", &kModeText, "permissions (\"0644\", of directories \"0755\")", Applies::live},
    Key{"owner", &kText, "user, by name or id (root)", Applies::live},
    Key{"group", &kText, "group, by name or id (the owner's)", Applies::live},
    Key{"when", &kMoment, "boot: before the engines; late: with the first boot's commands (boot)", Applies::live},
};
constexpr Type kFile{.form = Form::object, .keys = kFileKeys};

constexpr std::array kMountKeys{
    Key{"source", &kText, "a device, LABEL=, UUID=, PARTLABEL=, PARTUUID=, or what the file system takes",
        Applies::next_boot},
    Key{"target", &kPathText, "where", Applies::next_boot},
    Key{"type", &kText, "file system (found out)", Applies::next_boot},
    Key{"options", &kTexts, "options of mount(8)", Applies::next_boot},
};
constexpr Type kMount{.form = Form::object, .keys = kMountKeys};

constexpr std::array kSwapKeys{
    Key{"file", &kPathText, "a file for it, on the state partition", Applies::live},
    Key{"size", &kSizeText, "its size", Applies::live},
    Key{"device", &kText, "or a device", Applies::live},
};

constexpr std::array<Names, 2> kTables{"gpt", "mbr"};
constexpr Type kTable{.choices = kTables};
constexpr Type kPercent{.form = Form::number, .least = 1, .most = 100};
constexpr std::array kPartitionKeys{
    Key{"number", &kCount, "its number (the next)", Applies::first_boot},
    Key{"label", &kText, "its name in the table", Applies::first_boot},
    Key{"start", &kSizeText, "where it begins (behind the one before)", Applies::first_boot},
    Key{"size", &kSizeText, "its size (what is free)", Applies::first_boot},
    Key{"percent", &kPercent, "or its share of the disk", Applies::first_boot},
    Key{"type", &kText, "type GUID, or a name such as linux, swap, esp", Applies::first_boot},
    Key{"guid", &kText, "its own GUID", Applies::first_boot},
    Key{"wipe", &kFlag, "replace one that does not match (no)", Applies::first_boot},
    Key{"resize", &kFlag, "grow one that is smaller (no)", Applies::first_boot},
    Key{"absent", &kFlag, "delete the one of that number, where wipe allows it (no)", Applies::first_boot},
};
constexpr Type kPartition{.form = Form::object, .keys = kPartitionKeys};
constexpr Type kPartitions{.form = Form::list, .item = &kPartition};
constexpr std::array kDiskKeys{
    Key{"table", &kTable, "gpt or mbr (gpt)", Applies::first_boot},
    Key{"wipe", &kFlag, "destroy a table that is there (no)", Applies::first_boot},
    Key{"partitions", &kPartitions, "partitions in order", Applies::first_boot},
};
constexpr Type kDisk{.form = Form::object, .keys = kDiskKeys};

constexpr std::array kFileSystemKeys{
    Key{"device", &kText, "where", Applies::first_boot},
    Key{"type", &kText, "ext4, vfat, swap", Applies::first_boot},
    Key{"label", &kText, "its label", Applies::first_boot},
    Key{"uuid", &kText, "its UUID", Applies::first_boot},
    Key{"wipe", &kFlag, "make it anew whatever is there, once in the life of an instance (no)", Applies::first_boot},
    Key{"options", &kTexts, "options of the program that makes it", Applies::first_boot},
    Key{"path", &kPathText, "where it is mounted from then on", Applies::first_boot},
};
constexpr Type kFileSystem{.form = Form::object, .keys = kFileSystemKeys};

}  // namespace

constinit const Type kFiles{.form = Form::map, .item = &kFile, .format = &kPath};
constinit const Type kMounts{.form = Form::list, .item = &kMount, .merge = Merge::append};
constinit const Type kSwap{.form = Form::object, .keys = kSwapKeys};
constinit const Type kDisks{.form = Form::map, .item = &kDisk, .format = &kPath};
constinit const Type kFileSystems{.form = Form::list, .item = &kFileSystem, .merge = Merge::append};

}  // namespace diatom::machine::schema
