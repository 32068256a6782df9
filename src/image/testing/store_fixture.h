// A store in a temporary directory, for its tests.
#pragma once

#include <gtest/gtest.h>
#include <zstd.h>

#include <memory>
#include <string>

#include "image/store.h"
#include "image/testing/image_builder.h"
#include "tests/support/temp_dir.h"

namespace diatom::image::testing {

inline std::string zstd(const std::string& bytes) {
    std::string compressed(ZSTD_compressBound(bytes.size()), '\0');
    compressed.resize(ZSTD_compress(compressed.data(), compressed.size(), bytes.data(), bytes.size(), 3));
    return compressed;
}

class StoreFixture : public ::testing::Test {
protected:
    StoreFixture() : store_(*Store::open(root())) {}

    std::string root() const { return directory_ / "store"; }
    std::string layer_path(const std::string& tar) const {
        return std::format("{}/layers/{}/fs", root(), Digest::of(tar).hex());
    }

    Result<void> unpack_blob(const std::string& blob, const Digest& diff_id) {
        const Descriptor descriptor{.digest = Digest::of(blob), .size = blob.size()};
        TRY(store_->put_blob(descriptor.digest, blob));
        return store_->unpack_layer(descriptor, diff_id, {});
    }
    Result<void> unpack(const std::string& tar) { return unpack_blob(tar, Digest::of(tar)); }

    test::TempDir directory_;
    std::unique_ptr<Store> store_;
};

}  // namespace diatom::image::testing
