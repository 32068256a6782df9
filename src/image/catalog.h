// What the store knows, in SQLite: images, their tags and layers, the roots of containers. One transaction per change.
// Thread side: any; locked inside.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "db/database.h"
#include "image/store.h"

namespace diatom::image {

struct LayerRow {
    Digest diff_id;
    std::uint64_t size = 0;
    // Until when it stays without an image, in seconds since 1970: of a pull that has not come to its end.
    std::int64_t kept_until = 0;
};

class Catalog {
public:
    static Result<Catalog> open(const std::string& path);
    Catalog(Catalog&& other) noexcept : database_(std::move(other.database_)) {}

    Result<void> add_layer(const LayerRow& layer);
    Result<bool> has_layer(const Digest& diff_id);
    Result<std::vector<LayerRow>> layers();
    Result<void> forget_layer(const Digest& diff_id);
    Result<std::vector<Digest>> unused_layers(std::int64_t now);  // in no image and no root, kept no longer

    struct NewImage {
        Digest id, manifest;
        std::string raw_config;
        std::vector<Digest> diff_ids;
        std::int64_t created = 0;      // seconds since 1970
        std::string tag, repo_digest;  // either may be empty
    };
    // As it is then: another thread may remove it at once.
    Result<ImageRecord> add_image(const NewImage& image);
    Result<std::set<Digest>> image_blobs();  // configurations and manifests of all images
    Result<ImageRecord> image(const Digest& id);
    Result<std::vector<ImageRecord>> images();
    struct Removal {
        Digest id;
        std::vector<std::string> names;  // tags and repository digests that go with it
        bool force = false;              // of an image that is in use, take the names away
        bool in_use = false;             // known to be, beside what the roots here say
    };
    // In one transaction: takes the names away, and the image unless it has another name by now or is in use. Whether
    // the image went. conflict when it is in use and `force` is not set.
    Result<bool> remove_image(const Removal& removal);

    Result<void> tag(const Digest& id, const std::string& tag);  // not_found
    Result<void> untag(const std::string& name);                 // a tag or a repository digest
    Result<std::optional<Digest>> by_name(const std::string& tag_or_repo_digest);
    Result<std::vector<Digest>> by_id_prefix(const std::string& hex);

    Result<void> check();  // corrupt
    // The roots follow from the engine's own records: on the disk with a later commit (Store::recover).
    Result<void> add_rootfs(const std::string& container, const Digest& image);  // not_found without the image
    Result<std::optional<Digest>> rootfs_image(const std::string& container);
    Result<std::vector<Digest>> rootfs_layers(const std::string& container);  // base first
    Result<void> remove_rootfs(const std::string& container);
    Result<std::vector<std::string>> rootfs_containers();

private:
    explicit Catalog(db::Database database) : database_(std::move(database)) {}
    Result<ImageRecord> read_image(const std::string& id);
    Result<std::vector<std::string>> texts(std::string_view sql, std::initializer_list<std::string_view> values);
    Result<void> run(std::string_view sql, std::initializer_list<std::string_view> values);

    std::mutex mutex_;
    db::Database database_;
};

}  // namespace diatom::image
