// What the store knows, in SQLite: images, their tags and layers, the roots of containers. One transaction per change.
// Thread side: any; locked inside.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "db/database.h"
#include "image/store.h"

namespace diatom::image {

struct LayerRow {
    Digest diff_id;
    std::uint64_t size = 0;
};

class Catalog {
public:
    static Result<Catalog> open(const std::string& path);
    Catalog(Catalog&& other) noexcept : database_(std::move(other.database_)) {}

    Result<void> add_layer(const LayerRow& layer);
    Result<bool> has_layer(const Digest& diff_id);
    Result<std::vector<LayerRow>> layers();
    Result<void> forget_layer(const Digest& diff_id);
    Result<std::vector<Digest>> unused_layers();  // in no image

    struct NewImage {
        Digest id, manifest;
        std::string raw_config;
        std::vector<Digest> diff_ids;
        std::int64_t created = 0;      // seconds since 1970
        std::string tag, repo_digest;  // either may be empty
    };
    Result<void> add_image(const NewImage& image);
    Result<ImageRecord> image(const Digest& id);
    Result<std::vector<ImageRecord>> images();
    Result<void> remove_image(const Digest& id);

    Result<void> tag(const Digest& id, const std::string& tag);
    Result<void> untag(const std::string& name);  // a tag or a repository digest
    Result<void> untag_all(const Digest& id);
    Result<std::optional<Digest>> by_name(const std::string& tag_or_repo_digest);
    Result<std::vector<Digest>> by_id_prefix(const std::string& hex);

    Result<void> check();  // corrupt
    Result<void> add_rootfs(const std::string& container, const Digest& image);
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
