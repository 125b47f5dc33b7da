//! Random changes of training images, drawn from libtorch's generator on the images' device.

use archwright_protocol::Recipe;
use tch::{Kind, TchError, Tensor};

/// A batch (examples x channels x height x width) with random crops, flips and cut-outs as the recipe says.
pub(crate) fn augment(images: Tensor, recipe: &Recipe) -> Result<Tensor, TchError> {
    let mut images = images;
    if images.dim() != 4 {
        return Ok(images);
    }
    if recipe.crop_padding > 0 {
        images = crop(&images, recipe.crop_padding.into())?;
    }
    if recipe.flip {
        images = flip(&images)?;
    }
    if recipe.cutout > 0 {
        images = cutout(&images, recipe.cutout.into())?;
    }
    Ok(images)
}

/// Pads with zeros and takes a window of the old size at a random place, another for each image.
fn crop(images: &Tensor, padding: i64) -> Result<Tensor, TchError> {
    let (examples, channels, height, width) = images.size4()?;
    let places = |length: i64| {
        let offset = Tensor::f_randint(2 * padding + 1, [examples, 1], (Kind::Int64, images.device()))?;
        offset.f_add(&Tensor::f_arange(length, (Kind::Int64, images.device()))?)
    };
    let (rows, columns) = (places(height)?, places(width)?);
    let padded = images.f_constant_pad_nd([padding; 4])?;
    let rows =
        rows.f_view([examples, 1, height, 1])?.f_expand([examples, channels, height, width + 2 * padding], false)?;
    let columns = columns.f_view([examples, 1, 1, width])?.f_expand([examples, channels, height, width], false)?;
    padded.f_gather(2, &rows, false)?.f_gather(3, &columns, false)
}

/// Mirrors each image, or not, with even chances.
fn flip(images: &Tensor) -> Result<Tensor, TchError> {
    let examples = images.size()[0];
    let chosen = Tensor::f_rand([examples, 1, 1, 1], (Kind::Float, images.device()))?.f_lt(0.5)?;
    images.f_flip([3])?.f_where_self(&chosen, images)
}

/// Sets a square to zero, the mean of normalised images, around a random pixel of each image; parts beyond the border are
/// cut off (DeVries & Taylor 2017).
fn cutout(images: &Tensor, side: i64) -> Result<Tensor, TchError> {
    let (examples, _, height, width) = images.size4()?;
    let outside = |length: i64, shape: [i64; 4]| {
        let center = Tensor::f_randint(length, [examples, 1], (Kind::Int64, images.device()))?;
        let first = center.f_sub_scalar(side / 2)?;
        let pixels = Tensor::f_arange(length, (Kind::Int64, images.device()))?;
        let before = pixels.f_less_tensor(&first)?;
        let behind = pixels.f_greater_equal_tensor(&first.f_add_scalar(side)?)?;
        before.f_logical_or(&behind)?.f_view(shape)
    };
    let kept = outside(height, [examples, 1, height, 1])?.f_logical_or(&outside(width, [examples, 1, 1, width])?)?;
    images.f_mul(&kept.f_to_kind(images.kind())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Device;

    fn images() -> Tensor {
        Tensor::arange(2 * 3 * 6 * 6, (Kind::Float, Device::Cpu)).view([2, 3, 6, 6]) + 1.0
    }

    #[test]
    fn crops_are_windows_of_the_padded_image() {
        tch::manual_seed(0);
        let (images, padding) = (images(), 2);
        let padded = images.constant_pad_nd([padding; 4]);
        for _ in 0..20 {
            let cropped = crop(&images, padding).unwrap();
            for example in 0..2 {
                let found = (0..=2 * padding).flat_map(|row| (0..=2 * padding).map(move |column| (row, column))).any(
                    |(row, column)| {
                        let window = padded.get(example).narrow(1, row, 6).narrow(2, column, 6);
                        window == cropped.get(example)
                    },
                );
                assert!(found);
            }
        }
    }

    #[test]
    fn flips_mirror_or_leave() {
        tch::manual_seed(0);
        let images = images();
        let mirrored = images.flip([3]);
        let mut seen = [false; 2];
        for _ in 0..20 {
            let flipped = flip(&images).unwrap();
            let is = [flipped.get(0) == images.get(0), flipped.get(0) == mirrored.get(0)];
            assert!(is[0] != is[1]);
            seen = [seen[0] || is[0], seen[1] || is[1]];
        }
        assert_eq!(seen, [true; 2]);
    }

    #[test]
    fn cutout_zeroes_one_square_in_all_channels() {
        tch::manual_seed(0);
        for _ in 0..20 {
            let cut = cutout(&images(), 3).unwrap();
            let zeros = (cut.get(0).eq(0.0)).sum_dim_intlist([1i64, 2].as_slice(), false, Kind::Int64);
            let zeros = Vec::<i64>::try_from(zeros).unwrap();
            assert!((4..=9).contains(&zeros[0]), "{zeros:?}");
            assert!(zeros.iter().all(|channel| *channel == zeros[0]));
        }
    }
}
